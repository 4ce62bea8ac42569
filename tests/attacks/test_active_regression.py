"""active-regression: what it asks, and how near it comes in the units of the target."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mex
from mex.app.matrix.cells import Spec
from mex.app.matrix.experiment import set_scene
from mex.testing import check_attack
from mex_active_regression.attack import ActiveRegression, greedy

FAST = {"candidates": 200, "tune": 100, "growth": 0.5}


def steal(target, pool, attack, budget, seed=0):
    oracle = mex.Oracle(target, budget=budget)
    return mex.extract(
        oracle, attack.learner(oracle.knowledge(pool=pool), np.random.default_rng(seed)), snapshots=False
    )


def rmse(stolen, target, X):
    return float(np.sqrt(np.mean((stolen.hypothesis.predict(X) - target.answer(X, "value")) ** 2)))


@pytest.mark.parametrize("model", ["kernel-ridge", "gaussian-process", "kernel-svm", "mlp:units=4"])
def test_it_comes_nearer_than_passive_learning(registry: mex.Registry, model: str) -> None:
    scene = set_scene(registry, Spec.parse(model), Spec("diabetes"), 0)
    near = scene.yardstick.points["near_agreement"]
    passive = registry.build("attack", "passive:sampler=near,regularisation=public")  # fits what it fits
    ours, theirs = (
        np.mean([rmse(steal(scene.target, scene.pool.X, attack, 150, seed), scene.target, near) for seed in range(2)])
        for attack in (ActiveRegression(**FAST), passive)
    )
    assert ours < 0.95 * theirs


def test_the_penalty_of_the_public_class_is_chosen_as_passive_learners_choose_it(diabetes: mex.Dataset) -> None:
    X, values = diabetes.X, diabetes.y - diabetes.y.mean()
    model = make_pipeline(StandardScaler(), Ridge(alpha=100.0)).fit(X[::2], values[::2])
    target = mex.FittedTarget.wrap(model, domain=mex.Domain.of(X))
    chosen, public = (
        rmse(steal(target, X[1::4], ActiveRegression(**FAST, regularisation=how), 100), target, X[3::4])
        for how in ("adapted", "public")
    )
    assert chosen < public / 3


def test_the_noted_error_is_in_the_units_of_the_target(registry: mex.Registry) -> None:
    scene = set_scene(registry, Spec("kernel-ridge"), Spec("diabetes"), 0)
    stolen = steal(scene.target, scene.pool.X, ActiveRegression(**FAST), 120)
    noted = float(stolen.note.split("error of ")[1].split()[0])
    truth = rmse(stolen, scene.target, scene.yardstick.points["near_agreement"])
    assert truth / 4 < noted < 4 * truth
    assert "in the units of the target" in stolen.note


def test_greedy_choices_do_what_they_say() -> None:
    rng = np.random.default_rng(0)
    factor = rng.normal(size=(12, 8))
    covariance = factor @ factor.T

    def left(chosen):
        S = covariance[np.ix_(chosen, chosen)]
        return covariance - covariance[:, chosen] @ np.linalg.solve(S, covariance[chosen])

    for average in (False, True):
        chosen = greedy(covariance, 4, average=average).tolist()
        for k in range(1, 5):
            now = left(chosen[: k - 1]) if k > 1 else covariance
            others = [i for i in range(12) if i not in chosen[: k - 1]]
            if average:
                best = min(others, key=lambda i: np.trace(left([*chosen[: k - 1], i])))
            else:
                best = max(others, key=lambda i: now[i, i])
            assert chosen[k - 1] == best
    assert len(set(greedy(np.zeros((5, 5)), 5, average=True))) == 5, "nothing left to learn is no reason to repeat"


@pytest.mark.parametrize("criterion", ["variance", "leverage"])
def test_it_is_well_behaved(criterion: str) -> None:
    check_attack(ActiveRegression(**FAST, criterion=criterion), least_agreement=0.999)


def test_a_model_of_the_public_class_wins_where_it_predicts_better() -> None:
    rng = np.random.default_rng(0)
    w = rng.normal(size=3)
    linear = LinearRegression().fit(rng.normal(size=(50, 3)), rng.normal(size=50))
    linear.coef_ = w
    pool = rng.normal(size=(50, 3))
    family = mex.Family("linear", learner=LinearRegression())
    stolen = steal(mex.FittedTarget.wrap(linear, family=family), pool, ActiveRegression(**FAST), 60)
    assert "model of the public class" in stolen.note
    assert np.allclose(stolen.hypothesis.coef_, w)


class Noisy(mex.Defended):
    """Values with fresh Gaussian noise."""

    def __init__(self, target, scale):
        super().__init__(target)
        self._scale, self._rng = scale, np.random.default_rng(0)

    def answer(self, X, kind):
        return self._target.answer(X, kind) + self._scale * self._rng.standard_normal(len(X))


def test_noisy_values_are_smoothed(registry: mex.Registry) -> None:
    scene = set_scene(registry, Spec("kernel-ridge"), Spec("diabetes"), 0)
    near, scale = scene.yardstick.points["near_agreement"], 20.0
    stolen = steal(Noisy(scene.target, scale), scene.pool.X, ActiveRegression(**FAST), 300)
    assert rmse(stolen, scene.target, near) < 0.6 * scale


@pytest.mark.parametrize("budget", [1, 5, 23])
def test_a_tiny_budget_leaves_a_hypothesis(registry: mex.Registry, budget: int) -> None:
    scene = set_scene(registry, Spec("kernel-ridge"), Spec("diabetes"), 0)
    stolen = steal(scene.target, scene.pool.X, ActiveRegression(**FAST), budget)
    assert stolen.queries == budget
    assert np.isfinite(stolen.hypothesis.predict(scene.pool.X)).all()


def test_constant_values_duplicate_rows_and_whole_numbers() -> None:
    domain = mex.Domain([0, 0, 5], [3, 1, 5], integer=[True, True, False])
    constant = DummyRegressor().fit(np.zeros((2, 3)), [7.0, 7.0])
    pool = np.array([[0.0, 1.0, 5.0]] * 6 + [[3.0, 0.0, 5.0]] * 2)
    stolen = steal(mex.FittedTarget.wrap(constant, domain=domain), pool, ActiveRegression(**FAST), 60)
    assert np.allclose(stolen.hypothesis.predict(pool), 7.0)


def test_where_it_cannot_work_it_says_why() -> None:
    target = mex.FittedTarget.wrap(LinearRegression().fit(np.eye(2), [0, 1]))
    with pytest.raises(mex.Incompatible, match="active-regression draws from the pool"):
        ActiveRegression().learner(mex.Oracle(target, budget=9).knowledge(), np.random.default_rng(0))
    with pytest.raises(mex.Incompatible, match="active-regression asks until a budget"):
        ActiveRegression().learner(mex.Oracle(target).knowledge(pool=np.eye(2)), np.random.default_rng(0))
