"""Records made by hand, whole and checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mex
from mex.app.matrix.json_lines import check
from mex.app.matrix.record import Record
from mex.app.matrix.units import Point
from mex.hooks import KINDS

CURVE = ((8, 0.5), (64, 0.995))


def points(*scores: tuple[int, float]) -> list[Point]:
    """A learning curve with these agreements after so many queries."""
    return [
        {
            "queries": queries,
            "agreement": agreement,
            "class_agreement": max(agreement, 0.0),
            "near_agreement": agreement,
            "uniform_agreement": agreement,
            "geometric_error": 1 - agreement,
        }
        for queries, agreement in scores
    ]


def record(
    attack: str = "a", defense: str = "none", seed: int = 0, curve: Sequence[tuple[int, float]] = CURVE, **fields: Any
) -> Record:
    """The record of a cell that came to a result, but for what ``fields`` says."""
    along = points(*curve)
    last = along[-1]
    names = {"attack": attack, "defense": defense, "model": "m", "dataset": "d"}
    params: dict[str, Any] = {f"{kind}_params": {} for kind in KINDS}
    settings = {"seed": seed, "answers": "label", "budget": 64, "price_per_query": 0.01}
    paid = {"unique_queries": last["queries"], "refused": 0, "alarm": None, "price_usd": 0.01 * last["queries"]}
    paid |= {"rows_answered": None, "rows_sent": None, "evaluation_rows": None, "findings": None}
    accuracy = {"target_accuracy": 0.9, "defended_accuracy": 0.85, "accuracy_lost": 0.05, "stolen_accuracy": 0.88}
    costs = {"answers_changed": 0.0, "answer_shift": 0.0, "repeats_differ": 0.0}
    watched = {"honest_refused": 0.0, "false_alarms": 0.0, "latency_added": 1e-6}
    times = {"seconds": 1.0, "learner_seconds": 0.5, "oracle_seconds": 0.25, "cpu_seconds": 0.9}
    told = {"status": "ok", "reason": None, "features": 2, "rho": 0.0, "stopped": "done", "asked": None}
    return check(
        {
            "cell": f"{attack} {defense} {seed}",
            **names,
            **params,
            **settings,
            "mex_version": mex.__version__,
            **told,
            **last,
            **paid,
            "held_out": 100,
            "points": 2000,
            "majority": 0.6,
            "uniform_majority": 0.6,
            **accuracy,
            **costs,
            **watched,
            **times,
            "curve": along,
            **fields,
        }
    )


def measured(attack: str, defense: str, seed: int, curve: Sequence[tuple[int, float]], **fields: Any) -> Record:
    """A record against a defense that costs something, at the usual price."""
    costs = {"accuracy_lost": 0.1, "answers_changed": 0.125, "price_per_query": 0.0001, "budget": 400}
    return record(attack, defense, seed, curve, **{**costs, **fields})


def two_attacks() -> list[Record]:
    """A fast attack that noise stops, and a slow one that does not work against noise."""
    fast, slow = [(10, 0.5), (100, 1.0)], [(10, 0.5), (300, 1.0)]
    records = [measured("a", "none", seed, fast) for seed in range(3)]
    records += [measured("a", "noise", seed, [(10, 0.5), (400, 0.9 + seed / 100)]) for seed in range(3)]
    records += [measured("b", "none", seed, slow) for seed in range(3)]
    return [*records, measured("b", "noise", 0, slow, status="skipped", reason="b & noise <do> not\x00 go")]
