"""What each defense is worth: the multiplier of the best attacker who knows it, beside its cost to honest users."""

from __future__ import annotations

import mex
from mex.app.analysis.aggregate import Comparison, compare
from mex.app.analysis.crosstab import COSTS
from mex.app.analysis.numbers import number, share, times
from mex.app.matrix.plan import Plan

REGISTRY = mex.load_registry()
LEVEL, BUDGET = 0.99, 2000
ATTACKS = {
    "pivot": {"eps": 1e-3},  # told of rho
    "majority-vote": {"inner": "version-space", "repeats": "exact", "q": 200},
    "averaging": {"eps": 0.05, "scale": 0.01},
    "version-space": {},
    "passive": {},
    "near": {"use": "passive", "sampler": "near"},
}
DEFENSES = {
    "none": {},
    "fresh noise": {"use": "bounded-noise", "rho": 0.1},
    "sticky noise": {"use": "bounded-noise", "rho": 0.1, "sticky": True},
    "boundary-noise": {},
    "boundary-noise, sticky": {"use": "boundary-noise", "sticky": True},
    "margin-noise": {},
    "model-distribution": {},
    "model-ensemble": {},
    "label-only": {},
    "detector, mmd": {"use": "query-detector"},
    "detector, hotelling": {"use": "query-detector", "test": "hotelling"},
    "query-budget": {"limit": 300},
}


def worth(seeds: int) -> None:
    """Queries of the best attack to an agreement of 0.99, how many times more than undefended, and honest costs."""
    plan = {
        "attacks": ATTACKS,
        "defenses": DEFENSES,
        "models": ["logistic"],
        "datasets": ["breast-cancer", "australian"],
        "answers": "label",
        "budget": BUDGET,
        "seeds": seeds,
    }
    records = mex.matrix(plan, registry=REGISTRY, jobs=2)
    for comparison in compare(records, Plan.of(plan).resolve(REGISTRY)):
        _show(comparison)
    for record in records:
        if record["status"] == "failed":
            print(f"failed: {record['attack']} x {record['defense']} on {record['dataset']}: {record['reason']}")


def _show(comparison: Comparison) -> None:
    print(f"\n{comparison.title}, {BUDGET} queries")
    costs = "".join(f"{name:>17s}" for name, _, _ in COSTS)
    print(f"{'defense':24s} {'best attack':16s} {'queries':>8s} {'agrees':>7s}  {'times more queries':24s}{costs}")
    for defense in comparison.defenses:
        best = comparison.best(defense, LEVEL)
        if best is None:
            print(f"{defense:24s} no attack ran")
            continue
        group = comparison.groups[best, defense]
        queries, agreement = group.median(f"queries_to_{LEVEL}"), group.median("agreement")
        assert queries
        assert agreement
        paid = [comparison.cost(defense, field) for _, field, _ in COSTS]
        shown = "".join(
            f"{form(cost.value, group.rows) if cost else '':>17s}"
            for (_, _, form), cost in zip(COSTS, paid, strict=True)
        )
        factor = times(comparison.multiplier(defense, LEVEL), comparison.more_than(defense, LEVEL))
        agrees = share(agreement.value, group.rows)
        print(f"{defense:24s} {best:16s} {number(queries.value):>8s} {agrees:>7s}  {factor:24s}{shown}")


PARTS = {"worth": worth}
