"""A matrix as flat rows, for programs: one row of medians per attack, defense, model and dataset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mex.app.analysis.aggregate import LEVEL, Scene
from mex.app.analysis.statistics import LEVELS

ROW = (
    *("model", "dataset", "attack", "defense", "seeds", "status"),
    *("agreement", "agreement_low", "agreement_high", "near_agreement", "uniform_agreement", "geometric_error"),
    *("queries", "price_usd", *(f"queries_to_{level}" for level in LEVELS), *(f"usd_to_{level}" for level in LEVELS)),
    *("accuracy_lost", "answers_changed", "repeats_differ", "multiplier", "multiplier_low", "multiplier_high"),
)
"""The fields of :func:`rows`."""


def rows(found: Sequence[Scene], level: float = LEVEL) -> list[dict[str, Any]]:
    """One flat row of medians per group, for programs; None where there is no number, infinite where never."""
    table = []
    for scene in found:
        for group in scene.groups.values():
            times = scene.multiplier(group.defense, level)
            agreement = group.median("agreement")
            row: dict[str, Any] = {
                "model": scene.model,
                "dataset": scene.dataset,
                "attack": group.attack,
                "defense": group.defense,
                "seeds": len(group.ran),
                "status": group.status,
                "agreement_low": agreement.low if agreement else None,
                "agreement_high": agreement.high if agreement else None,
                "multiplier": times.value if times else None,
                "multiplier_low": times.low if times else None,
                "multiplier_high": times.high if times else None,
            }
            for field in ROW:
                if field not in row:
                    estimate = group.median(field)
                    row[field] = estimate.value if estimate else None
            table.append({field: row[field] for field in ROW})
    return table
