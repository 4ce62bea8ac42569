"""The baselines at their best: how strongly passive and margin regularise, as f* is or as cross-validation says."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import mex
from mex.app.analysis.statistics import LEVELS, queries_to
from mex.app.matrix.record import Record

REGISTRY = mex.load_registry()
BUDGET = 500
MODELS = ("logistic", "linear-svm", "kernel-svm", "decision-tree")
ATTACKS = ("passive:sampler=near", "margin:sampler=near,batch=20")
POINTS = ("agreement", "near_agreement")


def baselines(seeds: int) -> None:
    """Median queries to 0.95, 0.99 and 0.999, and the agreement at 500: held-out rows, then rows between them."""
    print(f"{'model':14s}{'defense':16s}{'attack':30s}{'regularisation':18s}" + f"{'held-out':>34s}{'between':>34s}")
    for model in MODELS:
        for defense in ("none", "bounded-noise:rho=0.1"):
            for attack in ATTACKS:
                for how, records in _measured(model, defense, attack, seeds):
                    shown = "".join(_row(records, points) for points in POINTS)
                    print(f"{model:14s}{defense[:13]:16s}{attack:30s}{how:18s}{shown}", flush=True)


def _measured(model: str, defense: str, attack: str, seeds: int) -> Iterator[tuple[str, list[Record]]]:
    plan = {
        "attacks": [f"{attack},regularisation={how}" for how in ("public", "cross-validated")],
        "defenses": [defense],
        "models": [model],
        "datasets": ["breast-cancer"],
        "answers": "label",
        "budget": BUDGET,
        "seeds": seeds,
        "counters": False,
    }
    records = mex.matrix(plan, registry=REGISTRY)
    for how in ("public", "cross-validated"):
        yield how, [record for record in records if record["attack_params"]["regularisation"] == how]


def _row(records: Sequence[Record], points: str) -> str:
    curves = [[{**p, "agreement": p[points]} for p in record["curve"]] for record in records]
    needed = [sorted(queries_to(curve, level) for curve in curves)[len(curves) // 2] for level in LEVELS]
    last = sorted(curve[-1]["agreement"] for curve in curves)[(len(curves) - 1) // 2]
    return "".join(f"{q:8.0f}" if math.isfinite(q) else f"{'-':>8s}" for q in needed) + f"{last:10.4f}"


PARTS = {"baselines": baselines}
