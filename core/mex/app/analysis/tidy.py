"""A matrix as flat rows, for programs: one row of medians per attack, defense, model and dataset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mex.app.analysis.aggregate import LEVEL, Comparison
from mex.app.analysis.group import Group
from mex.app.analysis.statistics import LEVELS, Estimate
from mex.app.matrix.record import MEASURED

MEDIANS = (*MEASURED, *(f"queries_to_{level}" for level in LEVELS), *(f"usd_to_{level}" for level in LEVELS))
WITH_ENDS = ("agreement", "multiplier")
"""The numbers beside which the ends of their intervals stand (:mod:`mex.app.analysis.statistics`)."""
_FIELDS = (
    "model",
    "dataset",
    "attack",
    "defense",
    "seeds",
    "status",
    "answers",
    *MEDIANS,
    "multiplier",
    "multiplier_set_by",
)
ROW = tuple(
    column
    for field in _FIELDS
    for column in ((field, f"{field}_low", f"{field}_high") if field in WITH_ENDS else (field,))
)
"""The fields of a row: labels, how many seeds came to a result, medians over them, the multiplier and who set it."""


def rows(found: Sequence[Comparison], level: float = LEVEL) -> list[dict[str, Any]]:
    """One row per group, None where there is no number and infinite where a level is never reached."""
    table = []
    for comparison in found:
        multipliers = {defense: comparison.multiplier(defense, level) for defense in comparison.defenses}
        table += [_row(comparison, group, multipliers[group.defense], level) for group in comparison.groups.values()]
    return table


def _row(comparison: Comparison, group: Group, multiplier: Estimate | None, level: float) -> dict[str, Any]:
    row: dict[str, Any] = {
        "model": comparison.model,
        "dataset": comparison.dataset,
        "attack": group.name,
        "defense": group.defense,
        "answers": group.answers,
        "seeds": len(group.ran),
        "status": group.status,
    }
    estimates = {field: group.median(field) for field in MEDIANS} | {"multiplier": multiplier}
    set_by = comparison.best(group.defense, level) if multiplier and multiplier.finite else None
    row |= {"multiplier_set_by": set_by}
    row |= {field: estimate.value if estimate else None for field, estimate in estimates.items()}
    for field in WITH_ENDS:
        estimate = estimates[field]
        row[f"{field}_low"] = estimate.low if estimate else None
        row[f"{field}_high"] = estimate.high if estimate else None
    return {column: row[column] for column in ROW}
