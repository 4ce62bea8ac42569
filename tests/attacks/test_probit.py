"""The attacker who knows how a halfspace is drawn pays what the formula says, and stops when it says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import norm
from toys import plane

import mex
from mex.testing import check_attack
from mex.testing.examples import example_target
from mex.toolkit.bounds import query_bound
from mex.types import Array, FloatArray
from mex_probit.attack import Probit
from mex_probit.learner import allocate
from mex_probit.posterior import Posterior


class Drawn(mex.Defended):
    """Answers with a fresh normal halfspace for each query."""

    answers = ("label",)
    rho = 0.5

    def __init__(self, mean: FloatArray, spread: FloatArray, seed: int) -> None:
        family = mex.Family("linear", {"intercept": False})
        super().__init__(mex.FittedTarget.wrap(plane(mean), family=family))
        self.mean, self.spread, self.rng = mean, spread, np.random.default_rng(seed)

    def answer(self, X: FloatArray, kind: Any) -> Array:
        w = self.mean + self.spread * self.rng.standard_normal(X.shape)
        return np.where((X * w).sum(axis=1) > 0, 1, -1)


def drawn(spread: FloatArray, seed: int) -> Drawn:
    w = np.random.default_rng([seed, 1]).standard_normal(len(spread))
    return Drawn(w / np.linalg.norm(w), spread, seed)


def steal(defended: Drawn, budget: int = 100_000, **params: Any) -> tuple[mex.Extraction, float]:
    """The extraction, and ||w^ - mu|| of the attack's own hypothesis."""
    oracle = mex.Oracle(defended, budget=budget)
    learner = Probit(**params).learner(oracle.knowledge(), np.random.default_rng(9))
    stolen = mex.extract(oracle, learner, snapshots=False)
    return stolen, float(np.linalg.norm(learner.inner.hypothesis().coef_[0] - defended.mean))


def predicted(defended: Drawn, eps: float) -> float:
    P = np.eye(len(defended.mean)) - np.outer(defended.mean, defended.mean)
    return float(np.pi / 2 * np.linalg.svd(defended.spread[:, None] * P, compute_uv=False).sum() ** 2 / eps**2)


@pytest.mark.parametrize("spread", [np.full(12, 0.15), np.geomspace(0.5, 0.005, 12)], ids=["even", "uneven"])
def test_the_queries_are_those_of_the_formula_and_the_error_is_eps(spread: FloatArray) -> None:
    eps, ratios, errors = 0.03, [], []
    for seed in range(6):
        defended = drawn(spread, seed)
        stolen, error = steal(defended, spread=tuple(spread), eps=eps)
        assert stolen.stopped == "done"
        ratios.append(stolen.queries / predicted(defended, eps))
        errors.append(error / eps)
    assert 0.8 < np.median(ratios) < 1.4
    assert 0.7 < np.sqrt(np.mean(np.square(errors))) < 1.35


def test_who_knows_more_pays_less() -> None:
    spread = np.geomspace(0.5, 0.005, 12)
    knowing = np.mean([steal(drawn(spread, s), 1500, spread=tuple(spread), eps=1e-3)[1] for s in range(6)])
    ignorant = np.mean([steal(drawn(spread, s), 1500, spread=0.15, eps=1e-3)[1] for s in range(6)])
    assert knowing < 0.7 * ignorant


def test_draws_that_hardly_spread_cost_hardly_more_than_none() -> None:
    spread = np.geomspace(0.02, 2e-5, 12)
    queries = [steal(drawn(spread, seed), spread=tuple(spread), eps=0.03)[0].queries for seed in range(6)]
    assert np.median(queries) < 3 * query_bound(12, 0.03)


def test_the_error_falls_as_the_root_of_the_queries() -> None:
    budgets = [1000, 4000, 16_000]
    errors = [
        np.mean([steal(drawn(np.full(8, 0.3), s), b, spread=0.3, eps=1e-4)[1] for s in range(5)]) for b in budgets
    ]
    slope = np.polyfit(np.log(budgets), np.log(errors), 1)[0]
    assert slope == pytest.approx(-0.5, abs=0.12)


def test_the_posterior_has_the_moments_of_the_exact_one() -> None:
    rng = np.random.default_rng(2)
    rows = np.concatenate([rng.normal([0.5, 0.2], 1, (60, 2)), 30 * rng.standard_normal((5, 2)) @ np.diag([1, 0.1])])
    rows[60:] *= np.sign(rows[60:, :1])
    told = Posterior(2)
    told.add(rows[:40])
    told.add(rows[40:])
    grid = np.stack(np.meshgrid(*[np.linspace(-1.5, 2.5, 301)] * 2), axis=-1).reshape(-1, 2)
    log_height = norm.logcdf(grid @ rows.T).sum(axis=1) - (grid**2).sum(axis=1)
    weight = np.exp(log_height - log_height.max())
    weight /= weight.sum()
    mean = weight @ grid
    covariance = (grid - mean).T @ ((grid - mean) * weight[:, None])
    assert told.mean == pytest.approx(mean, abs=0.01)
    assert told.cov == pytest.approx(covariance, rel=0.1, abs=1e-3)


def test_the_allocation_leaves_the_least_variance() -> None:
    precision, information = np.array([1.0, 5.0, 200.0]), np.array([1.0, 0.2, 1.0])
    best = allocate(precision, information, 120)
    assert best.sum() == 120
    variance = (1 / (precision + information * best)).sum()
    for i, j in ((0, 1), (1, 0), (0, 2), (1, 2)):
        other = best + 4 * (np.eye(3, dtype=int)[j] - np.eye(3, dtype=int)[i])
        assert (1 / (precision + information * other)).sum() >= variance
    assert best[2] == 0, "what is known already is not asked"


def test_without_draws_it_is_a_good_attack_all_the_same() -> None:
    check_attack(Probit(eps=0.02, spread=0.01), least_agreement=0.97)
    check_attack(Probit(), example_target(homogeneous=True), least_agreement=0.9)


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("budget", [1, 2, 5, 50])
def test_few_dimensions_and_few_queries(d: int, budget: int) -> None:
    stolen, error = steal(drawn(np.full(d, 0.01), 3), budget, spread=0.01)
    assert stolen.queries <= budget
    assert error <= 2
    assert d > 1 or error == 0


def test_labels_that_contradict_each_other_or_are_all_alike() -> None:
    for spread in (1e6, 1e-9):
        assert np.isfinite(steal(drawn(np.full(5, spread), 0), 300, spread=0.1)[1])
    stolen, error = steal(Drawn(np.zeros(5), np.zeros(5), 0), 300, spread=0.1)
    assert np.isfinite(error)
    assert "answers were -1: no other label was seen" in stolen.note
    assert (stolen.hypothesis.predict(np.vstack([np.eye(5), -np.eye(5)])) == -1).all()


def test_what_it_is_told_must_fit_the_target() -> None:
    oracle = mex.Oracle(drawn(np.full(5, 0.1), 0))
    with pytest.raises(mex.Incompatible, match="w has 5 components here, and spread lists 3"):
        Probit(spread=(0.1, 0.1, 0.1)).learner(oracle.knowledge(), np.random.default_rng(0))
    boxed = mex.Oracle(example_target(), answers="label")
    with pytest.raises(mex.Incompatible, match="in a box no list tells the spread of w"):
        Probit(spread=(0.1,) * 5).learner(boxed.knowledge(), np.random.default_rng(0))
    for wrong in (0, -1.0, [], [0.1, -1], "0.1"):
        with pytest.raises(mex.UsageError, match="spread must be a number above 0 or a list of numbers"):
            Probit(spread=wrong)  # type: ignore[arg-type]
