"""Linear models of several classes, stolen pair by pair."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from toys import RatioBisection as Ratios
from toys import built

import mex
from mex.toolkit.estimators import linear_classifier
from mex.toolkit.halfspaces.multiclass import PairwiseLearner


def steal(model, domain: mex.Domain, pool=None, seed: int = 0, budget: int = 50_000) -> mex.Extraction:
    family = mex.Family("linear", {"intercept": True})
    oracle = mex.Oracle(mex.FittedTarget.wrap(model, domain=domain, family=family, answers=("label",)), budget=budget)
    learner = PairwiseLearner(oracle.knowledge(pool=pool), np.random.default_rng(seed), Ratios)
    return mex.extract(oracle, learner, snapshots=False)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("k", [2, 3, 5])
def test_every_class_that_is_found_is_placed_right(seed: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    domain = mex.Domain([-1.0] * 4, [1.0] * 4)
    W, b = rng.standard_normal((k, 4)), 0.2 * rng.standard_normal(k)
    model = linear_classifier(W if k > 2 else W[:1], b if k > 2 else b[:1], np.arange(k))
    stolen = steal(model, domain, seed=seed)
    X = domain.sample(20_000, rng)
    assert np.mean(stolen.hypothesis.predict(X) == model.predict(X)) > 0.999
    assert domain.objection(stolen.transcript.X) is None


def test_iris_as_fitted_is_stolen_whole() -> None:
    X, y = load_iris(return_X_y=True)
    model = LogisticRegression(max_iter=1000).fit(X[::2], y[::2])
    domain = mex.Domain(X.min(0), X.max(0))
    stolen = steal(model, domain, pool=X[1::4])
    assert (stolen.hypothesis.predict(X) == model.predict(X)).all()
    assert stolen.queries < 900


def test_a_class_that_no_row_has_is_reported_and_the_rest_is_learned() -> None:
    model = linear_classifier(np.array([[1.0], [-1.0], [0.0]]), np.array([0.0, 0.0, -9.0]), np.array(["a", "b", "c"]))
    stolen = steal(model, mex.Domain([-1], [1]))
    assert stolen.hypothesis.predict([[0.01], [-0.01]]).tolist() == ["a", "b"]
    assert "no answer was 'c'" in stolen.note


def test_noise_is_refused_with_a_reason() -> None:
    model = linear_classifier(np.eye(3), np.zeros(3), np.arange(3))
    target = mex.FittedTarget.wrap(model, domain=mex.Domain([-1] * 3, [1] * 3), family=mex.Family("linear"))
    noisy = built("defense", "bounded-noise").protect(target, None, np.random.default_rng(0))
    with pytest.raises(mex.Incompatible, match="without noise"):
        PairwiseLearner(mex.Oracle(noisy).knowledge(), np.random.default_rng(0), Ratios)


def test_cut_by_the_budget_there_is_a_hypothesis_all_the_same() -> None:
    model = linear_classifier(np.eye(3), np.zeros(3), np.arange(3))
    for budget in (1, 5, 60, 200):
        stolen = steal(model, mex.Domain([-1] * 3, [1] * 3), budget=budget)
        assert stolen.queries <= budget
        assert set(stolen.hypothesis.predict(np.eye(3))) <= {0, 1, 2}
