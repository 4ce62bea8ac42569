"""margin: pool-based uncertainty sampling."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import scale
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import mex
from mex.testing import check_attack
from mex_margin.attack import Margin, lead
from mex_passive.attack import Passive


def scenario(learner, data=load_breast_cancer, budget=60, seed=0):
    X, y = data(return_X_y=True)
    X = scale(X)
    order = np.random.default_rng(seed).permutation(len(X))
    X, y = X[order], y[order]
    n = len(X) // 2
    target = mex.FittedTarget.wrap(learner.fit(X[:n], y[:n]), family=mex.Family("any", learner=learner))
    oracle = mex.Oracle(target, budget=budget)
    return X[n:], target, oracle


def test_it_is_a_well_behaved_attack() -> None:
    check_attack(Margin(sampler="uniform", batch=7), least_agreement=0.9)


def test_it_beats_passive_learning_on_the_same_pool() -> None:
    got: dict[type, list[float]] = {Margin: [], Passive: []}
    for seed in range(4):
        for attack in (Margin(), Passive()):
            rest, target, oracle = scenario(LogisticRegression(C=1000, max_iter=5000), seed=seed)
            learner = attack.learner(oracle.knowledge(pool=rest[::2]), np.random.default_rng(seed))
            stolen = mex.extract(oracle, learner, snapshots=False)
            assert stolen.queries == 60
            X = rest[1::2]
            got[type(attack)].append(float(np.mean(stolen.hypothesis.predict(X) == target.answer(X, "label"))))
    assert np.mean(got[Margin]) > np.mean(got[Passive]) + 0.005
    assert np.mean(got[Margin]) > 0.95


def test_no_row_of_the_pool_is_asked_twice_and_it_is_done_when_all_are() -> None:
    rest, _, oracle = scenario(DecisionTreeClassifier(random_state=0), budget=1000)
    stolen = mex.extract(
        oracle, Margin(batch=20).learner(oracle.knowledge(pool=rest[:100]), np.random.default_rng(0)), snapshots=False
    )
    assert (stolen.queries, stolen.unique_queries, stolen.stopped) == (100, 100, "done")


@pytest.mark.parametrize("learner", [LogisticRegression(max_iter=5000), SVC(), DecisionTreeClassifier(random_state=0)])
def test_the_lead_is_smallest_where_the_model_is_least_sure(learner) -> None:
    X, y = load_iris(return_X_y=True)
    fitted = learner.fit(X[y > 0], y[y > 0])
    least = np.argmin(lead(fitted, X))
    if hasattr(fitted, "predict_proba"):
        p = fitted.predict_proba(X)
        assert np.abs(p[least] - 0.5).max() == pytest.approx(np.abs(p - 0.5).max(axis=1).min())
    fitted = learner.fit(X, y)
    assert lead(fitted, X).shape == (150,)
    assert (lead(fitted, X) >= 0).all()


def test_several_classes_and_a_class_of_their_own() -> None:
    rest, target, oracle = scenario(LogisticRegression(max_iter=1000), data=load_iris, budget=40)
    learner = Margin().learner(oracle.knowledge(pool=rest), np.random.default_rng(0))
    stolen = mex.extract(oracle, learner, snapshots=False)
    assert np.mean(stolen.hypothesis.predict(rest) == target.answer(rest, "label")) > 0.95


def test_one_label_only_is_asked_at_random_and_answered_by_that_label() -> None:
    target = mex.FittedTarget.wrap(
        mex.halfspace(np.zeros(2), 1.0), family=mex.Family("linear", learner=LogisticRegression())
    )
    oracle = mex.Oracle(target, budget=30)
    learner = Margin(sampler="uniform").learner(oracle.knowledge(), np.random.default_rng(0))
    stolen = mex.extract(oracle, learner, snapshots=False)
    assert stolen.queries == 30
    assert stolen.hypothesis.predict([[5.0, 5.0]]).tolist() == [1]


@pytest.mark.parametrize(
    ("attack", "pool", "family", "reason"),
    [
        (Margin(), None, mex.Family("linear", learner=SVC()), "pool"),
        (Margin(sampler="uniform"), None, mex.Family("linear", learner=SVC()), "budget"),
    ],
)
def test_where_it_cannot_work_it_says_why(attack, pool, family, reason) -> None:
    known = mex.Oracle(mex.FittedTarget.wrap(mex.halfspace(np.ones(2)), family=family)).knowledge(pool=pool)
    with pytest.raises(mex.Incompatible, match=reason):
        attack.learner(known, np.random.default_rng(0))
