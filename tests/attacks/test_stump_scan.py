"""stump-scan: boosted stumps to the last bit."""

from __future__ import annotations

import json
import zlib

import attrs
import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingRegressor

import mex
from mex.dataset import Rows
from mex.testing import check_attack
from mex_stump_scan.attack import StumpScan
from mex_stump_scan.curves import AdditiveSteps, Curve

BOUNDS = [(-1.27373, 0.78509), (0.1, 0.3), (0.3, 0.7), (-1e-30, 1e-30), (1e5 + 0.1, 1e5 + 0.7), (-3e20, 3.3e20)]
"""Bounds that float32 rounds up or down."""


def stumps(X, y, trees=60, domain=None, **public):
    family = mex.Family("boosted", {"max_depth": 1, **public})
    model = GradientBoostingRegressor(n_estimators=trees, max_depth=1, random_state=0).fit(X, y)
    return mex.FittedTarget.wrap(model, domain=domain or mex.Domain.of(X), family=family)


def steal(target, pool=None, attack=None, budget=None, seed=0):
    oracle = mex.Oracle(target, budget=budget)
    return mex.extract(
        oracle,
        (attack or StumpScan()).learner(oracle.knowledge(pool=pool), np.random.default_rng(seed)),
        snapshots=False,
    )


def thresholds(target):
    """The distinct (feature, float32 threshold) pairs of the stumps that can be seen inside the domain."""
    domain = target.domain
    seen = set()
    for tree in target.estimator.estimators_.ravel():
        f, t = tree.tree_.feature[0], tree.tree_.threshold[0]
        if f >= 0 and domain.lower[f] <= t < domain.upper[f]:
            seen.add((int(f), np.floor(t) if domain.integer[f] else float(np.float32(t))))
    return seen


def just_around(target):
    """Rows one float32 below, at and above each threshold, in a random row of the domain."""
    rng = np.random.default_rng(5)
    rows = []
    for f, t in thresholds(target):
        near = np.float32(t)
        for x in (np.nextafter(near, np.float32(-np.inf)), near, np.nextafter(near, np.float32(np.inf))):
            row = target.domain.sample(1, rng)[0]
            row[f] = np.clip(x, target.domain.lower[f], target.domain.upper[f])
            rows.append(row)
    return np.array(rows)


@pytest.mark.parametrize("with_pool", [False, True])
def test_it_is_exact_at_thirty_queries_per_threshold(diabetes: mex.Dataset, with_pool: bool) -> None:
    target = stumps(diabetes.X, diabetes.y, trees=100)
    stolen = steal(target, diabetes.X[::4] if with_pool else None)
    for X in (target.domain.sample(2000, np.random.default_rng(1)), diabetes.X, just_around(target)):
        assert np.abs(stolen.hypothesis.predict(X) - target.answer(X, "value")).max() < 1e-12
    assert stolen.stopped == "done"
    assert stolen.queries <= 30 * len(thresholds(target))


def test_whole_numbers_and_categories(diabetes: mex.Dataset) -> None:
    rng = np.random.default_rng(0)
    kind = rng.integers(4, size=300)
    X = np.column_stack([rng.normal(size=300), rng.integers(0, 50, 300), np.full(300, 3.0), np.eye(4)[kind]])
    domain = mex.Domain(
        [*X.min(axis=0)[:3], 0, 0, 0, 0],
        [*X.max(axis=0)[:3], 1, 1, 1, 1],
        integer=[False, True, False] + [False] * 4,
        groups=[(3, 4, 5, 6)],
    )
    y = np.sin(X[:, 0]) + (X[:, 1] - 25) ** 2 / 300 + np.array([0, 1, -2, 0.3])[kind]
    target = stumps(X, y, trees=100, domain=domain)
    stolen = steal(target)
    rows = domain.sample(1000, rng)
    assert np.abs(stolen.hypothesis.predict(rows) - target.answer(rows, "value")).max() < 1e-12
    whole = Curve((1,), whole=True)
    assert all(0 <= row[1] <= 49 and row[1] == round(row[1]) for row in whole.rows(rows[0], np.arange(50.0)))


class Bumps(BaseEstimator):
    """Two narrow bumps that no coarse grid sees: their jumps cancel."""

    n_features_in_ = 2

    def predict(self, X):
        X = np.asarray(X, dtype=np.float32)
        return 1.0 * ((X[:, 0] > 0.31) & (X[:, 0] <= 0.37)) + 5.0 * ((X[:, 1] > 0.62) & (X[:, 1] <= 0.66))


def bumps():
    return mex.FittedTarget.wrap(
        Bumps(), domain=mex.Domain([0, 0], [1, 1]), family=mex.Family("boosted", {"max_depth": 1}), answers=("value",)
    )


def test_checks_find_the_steps_that_cancel_out() -> None:
    X = np.random.default_rng(0).random((2000, 2))
    errors = {}
    for checks in (0, 100):
        stolen = steal(bumps(), attack=StumpScan(probes=2, checks=checks))
        errors[checks] = np.abs(stolen.hypothesis.predict(X) - Bumps().predict(X)).max()
    assert errors == {0: 5.0, 100: 0.0}


def test_answers_that_are_no_such_sum_are_said_to_be_none(diabetes: mex.Dataset) -> None:
    model = GradientBoostingRegressor(n_estimators=20, max_depth=3, random_state=0).fit(diabetes.X, diabetes.y)
    family = mex.Family("boosted", {"max_depth": 1})  # a lie
    stolen = steal(mex.FittedTarget.wrap(model, domain=diabetes.domain, family=family), budget=20_000)
    assert stolen.stopped == "done"
    right = int(stolen.note.split("right at ")[1].split()[0])
    assert right < 20


@pytest.mark.parametrize("budget", [1, 5, 40, 300])
def test_a_small_budget_leaves_the_best_guess_so_far(diabetes: mex.Dataset, budget: int) -> None:
    target = stumps(diabetes.X, diabetes.y)
    stolen = steal(target, budget=budget)
    assert stolen.queries == budget
    error = np.abs(stolen.hypothesis.predict(diabetes.X) - target.answer(diabetes.X, "value"))
    assert np.isfinite(error).all()
    if budget == 300:
        assert error.mean() < 2


class Noisy(mex.Defended):
    """Values with Gaussian noise, fresh or one per row."""

    def __init__(self, target, scale, sticky):
        super().__init__(target)
        self._scale, self._sticky, self._rng = scale, sticky, np.random.default_rng(0)

    def answer(self, X, kind):
        noise = self._rng.standard_normal(len(X))
        if self._sticky:
            noise = np.array([np.random.default_rng(zlib.crc32(row.tobytes())).standard_normal() for row in X])
        return self._target.answer(X, kind) + self._scale * noise


@pytest.mark.parametrize("sticky", [False, True])
def test_noisy_values_cost_the_small_steps_and_not_all(diabetes: mex.Dataset, sticky: bool) -> None:
    target = stumps(diabetes.X, diabetes.y)
    stolen = steal(Noisy(target, 0.2, sticky), budget=5000)
    truth = target.answer(diabetes.X, "value")
    assert np.std(stolen.hypothesis.predict(diabetes.X) - truth) < 0.25 * np.std(truth)
    assert stolen.stopped == "done"


def test_constant_features_and_a_constant_target() -> None:
    X = np.column_stack([np.linspace(0, 1, 50), np.full(50, 0.1)])
    target = stumps(X, np.full(50, 7.0))
    stolen = steal(target)
    assert stolen.hypothesis.predict(X).tolist() == [7.0] * 50
    assert "0 steps" in stolen.note


@pytest.mark.parametrize("domain", BOUNDS, ids=str)
def test_the_step_at_a_bound_that_is_no_float32_number_is_found(domain: tuple[float, float]) -> None:
    """A column of two values, cut at the larger as boosters of float32 thresholds do it."""
    low, high = domain

    class AtTheTop(BaseEstimator):
        n_features_in_ = 2

        def predict(self, X):
            X = np.asarray(X, dtype=np.float32)
            return 11.0 * (X[:, 0] >= np.float32(high)) + (X[:, 1] > 0.5)

    box = mex.Domain([low, 0], [high, 1])
    family = mex.Family("boosted", {"max_depth": 1})
    X = np.column_stack([np.repeat([low, high], 50), np.random.default_rng(0).random(100)])
    for pool in (None, X[::2]):
        stolen = steal(mex.FittedTarget.wrap(AtTheTop(), domain=box, family=family, answers=("value",)), pool)
        assert np.abs(stolen.hypothesis.predict(X) - AtTheTop().predict(X)).max() < 1e-9
        assert box.objection(stolen.transcript.X) is None


def test_a_curve_keeps_a_value_per_place_and_asks_between_those_that_differ() -> None:
    curve = Curve((0,), whole=False)
    curve.add(np.array([0.0, 1.0, 2.0]), np.array([5.0, 5.0, 9.0]))
    curve.add(np.array([1.0]), np.array([77.0]))
    assert curve.middles(0.0).tolist() == [1.5]
    columns, last, values = curve.steps(0.0)
    assert (columns, last.tolist(), values.tolist()) == ((0,), [1.5], [5.0, 9.0])
    assert AdditiveSteps(5.0, 1, [curve.steps(0.0)]).predict([[1.4], [1.6]]).tolist() == [5.0, 9.0]


def test_it_is_a_well_behaved_attack(diabetes: mex.Dataset, registry: mex.Registry) -> None:
    X = mex.testing.examples.example_dataset("regression")
    target = registry.build("model", "boosted-trees:trees=5").fit(X, Rows(X.X, X.y), np.random.default_rng(0))
    check_attack(StumpScan(), target, least_agreement=0.8)


@pytest.mark.parametrize(
    ("domain", "depth", "reason"),
    [
        (None, 2, "depth 2 features interact"),
        (None, None, "depth unknown"),
        (mex.Domain([0, -np.inf], [1, np.inf]), 1, "feature 1 has no finite"),
    ],
)
def test_where_it_cannot_work_it_says_why(domain, depth, reason) -> None:
    public = {} if depth is None else {"max_depth": depth}
    target = mex.FittedTarget.wrap(
        Bumps(), domain=domain or mex.Domain([0, 0], [1, 1]), family=mex.Family("boosted", public), answers=("value",)
    )
    with pytest.raises(mex.Incompatible, match=reason):
        StumpScan().learner(mex.Oracle(target).knowledge(), np.random.default_rng(0))


def test_the_record_of_a_cell_has_the_error_of_the_stolen_model(run) -> None:
    done = run("attack", "stump-scan", "-m", "boosted-trees:trees=10", "--data", "diabetes", "--json")
    record = json.loads(done.stdout)
    assert record["agreement"] == pytest.approx(1.0, abs=1e-12)
    assert record["geometric_error"] is None


@pytest.mark.parametrize(
    ("public", "reason"),
    [
        ({"max_leaf_nodes": 2, "max_depth": None}, ""),
        ({"num_leaves": 2, "max_depth": -1}, ""),
        ({"depth": 1}, ""),
        ({"interactions": 0}, ""),
        ({"max_depth": 1, "loss": "squared_error"}, ""),
        (
            {"num_leaves": 31, "max_depth": -1},
            r"depth unknown .*declare family=mex.Family\('boosted', \{'max_depth': 1\}\)",
        ),
        ({"max_depth": 6}, "depth 6 features interact"),
        ({}, "depth unknown"),
        ({"max_depth": 1, "loss": "poisson"}, "with the loss poisson values are exponentials"),
        ({"num_leaves": 2, "objective": "tweedie"}, "with the loss tweedie"),
        ({"max_depth": 1, "init": GradientBoostingRegressor()}, "added to another model"),
    ],
)
def test_stumps_are_told_by_the_names_that_libraries_have_for_their_depth(public: dict, reason: str) -> None:
    known = attrs.evolve(mex.Oracle(bumps()).knowledge(), family=mex.Family("boosted", public))
    if not reason:
        assert StumpScan().learner(known, np.random.default_rng(0)).ask() is not None
        return
    with pytest.raises(mex.Incompatible, match=reason):
        StumpScan().learner(known, np.random.default_rng(0))


def test_stumps_by_histograms_are_stolen_without_a_family(diabetes: mex.Dataset) -> None:
    model = HistGradientBoostingRegressor(max_iter=10, max_leaf_nodes=2).fit(diabetes.X, diabetes.y)
    stolen = mex.attack("stump-scan", model, domain=diabetes.domain, budget=20_000)
    assert np.abs(stolen.hypothesis.predict(diabetes.X) - model.predict(diabetes.X)).max() < 1e-9
