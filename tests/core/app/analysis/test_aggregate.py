"""Records put together: which cells belong together, and what a defense multiplies queries by."""

from __future__ import annotations

from records import measured

import mex
from mex.app.analysis.aggregate import compare
from mex.app.matrix.plan import Plan


def test_a_seed_that_failed_does_not_count_as_one_that_never_got_there() -> None:
    curve = [(10, 0.5), (100, 1.0)]
    records = [measured("a", defense, seed, curve) for defense in ("none", "noise") for seed in range(2)]
    records[3] |= {"status": "failed", "reason": "killed"}
    times = compare(records)[0].multiplier("noise")
    assert times is not None
    assert (times.value, times.high) == (1.0, 1.0)


def test_records_of_several_plans_stay_apart(registry: mex.Registry) -> None:
    curve = [(10, 0.5), (100, 1.0)]
    noisy = [
        measured("a", "noise", seed, curve, defense_params={"rho": rho}) for seed in range(2) for rho in (0.1, 0.2)
    ]
    plan = Plan.of({"attacks": ["passive"], "defenses": ["none"], "models": ["logistic"], "datasets": ["heart"]})
    (comparison,) = compare(noisy, plan.resolve(registry))
    assert comparison.defenses == ["noise:rho=0.1", "noise:rho=0.2"]
    budgets = [measured("a", "none", seed, curve, budget=budget) for budget in (100, 200) for seed in range(2)]
    assert [comparison.dataset for comparison in compare(budgets)] == ["d (budget 100)", "d (budget 200)"]
    assert all(len(comparison.groups["a", "none"].records) == 2 for comparison in compare(budgets))
