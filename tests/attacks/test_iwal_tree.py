"""iwal-tree: importance-weighted active learning of a tree."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import mex
from mex.testing import check_attack
from mex.toolkit.checking.learner import SelfChecked
from mex_iwal_tree.attack import IwalTree


def oracle_of(data: mex.Dataset, budget: int = 300, defense: Any = None, **params: Any) -> mex.Oracle:
    learner = DecisionTreeClassifier(**params)
    fitted = DecisionTreeClassifier(random_state=0, **params).fit(data.X[::2], data.y[::2])
    target: Any = mex.FittedTarget.wrap(fitted, domain=data.domain, family=mex.Family("tree", learner=learner))
    if defense is not None:
        target = defense.protect(target, mex.dataset.Rows(data.X, data.y), np.random.default_rng(9))
    return mex.Oracle(target, answers="label", budget=budget)


def alone(attack: IwalTree, oracle: mex.Oracle, rng: np.random.Generator) -> Any:
    """The learner without its check."""
    learner = attack.learner(oracle.knowledge(), rng)
    assert isinstance(learner, SelfChecked)
    return learner.inner


def test_it_is_a_well_behaved_attack(iris: mex.Dataset) -> None:
    fitted = DecisionTreeClassifier(random_state=0).fit(iris.X, np.array(iris.class_names)[iris.y])
    target = mex.FittedTarget.wrap(
        fitted, domain=iris.domain, family=mex.Family("tree", learner=DecisionTreeClassifier())
    )
    check_attack(IwalTree(c0=0.01), target, least_agreement=0.8)


def test_the_lead_is_the_rise_of_the_weighted_error_by_brute_force(iris: mex.Dataset) -> None:
    oracle = oracle_of(iris)
    learner = alone(IwalTree(c0=0.01, growth=1.0, every=200), oracle, np.random.default_rng(0))
    while len(learner._y) < 150:  # far from the last fit: labels have come that the tree has not seen
        X = learner.ask()
        learner.tell(X, oracle.ask(X))
    assert learner._fitted_on < 150
    X, y, weights = np.array(learner._X), learner._classes[learner._y], np.array(learner._weights)
    tree = learner._tree
    assert weights.max() > 1
    leaves = np.flatnonzero(tree.tree_.children_left < 0)
    expected = []
    for leaf in leaves:
        inside, given = tree.apply(X) == leaf, tree.predict(X)
        label = tree.classes_[tree.tree_.value[leaf, 0].argmax()]
        errors = {other: weights[np.where(inside, other, given) != y].sum() for other in learner._classes}
        rise = min(error for other, error in errors.items() if other != label) - errors[label]
        expected.append(max(rise, 0))
    assert np.allclose(learner._lead(leaves), expected)
    assert max(expected) > 0


def test_less_care_asks_less_of_the_stream(breast_cancer: mex.Dataset) -> None:
    seen = []
    for c0 in (8.0, 1e-3, 1e-6):
        oracle = oracle_of(breast_cancer, budget=200)
        learner = alone(IwalTree(c0=c0), oracle, np.random.default_rng(0))
        mex.extract(oracle, learner, snapshots=False)
        seen.append(learner._seen)
    assert 200 <= seen[0] < seen[1] < seen[2]
    assert seen[0] < 210


def test_rows_not_asked_count_so_that_weights_add_up_to_the_stream(iris: mex.Dataset) -> None:
    totals = []
    for seed in range(8):
        oracle = oracle_of(iris, budget=100)
        learner = alone(IwalTree(c0=0.05), oracle, np.random.default_rng(seed))
        mex.extract(oracle, learner, snapshots=False)
        totals.append(sum(learner._weights) / learner._seen)
    assert np.mean(totals) == pytest.approx(1, abs=4 * np.std(totals) / 8**0.5)


def test_a_stream_that_is_not_worth_a_query_ends(iris: mex.Dataset) -> None:
    data = attrs.evolve(iris, y=np.where(np.arange(150) == 149, 1, 0))
    oracle = oracle_of(data, budget=100_000)
    stolen = mex.extract(
        oracle, alone(IwalTree(c0=1e-4, patience=50), oracle, np.random.default_rng(0)), snapshots=False
    )
    assert stolen.stopped == "done"
    assert "not worth a query" in stolen.note
    assert stolen.hypothesis.predict(iris.X[:2]).tolist() == [0, 0]


@pytest.mark.parametrize("budget", [1, 5, 25])
def test_a_tiny_budget(iris: mex.Dataset, budget: int) -> None:
    oracle = oracle_of(iris, budget=budget)
    stolen = mex.extract(oracle, alone(IwalTree(), oracle, np.random.default_rng(0)), snapshots=False)
    assert stolen.queries == budget
    assert set(stolen.hypothesis.predict(iris.X)) <= {0, 1, 2}


def test_noisy_labels_are_taken(registry: mex.Registry, breast_cancer: mex.Dataset) -> None:
    oracle = oracle_of(breast_cancer, 400, registry.build("defense", "bounded-noise:rho=0.2"), min_samples_leaf=20)
    attack = IwalTree(sampler="near")
    stolen = mex.extract(
        oracle, attack.learner(oracle.knowledge(pool=breast_cancer.X), np.random.default_rng(0)), snapshots=False
    )
    truth = DecisionTreeClassifier(random_state=0, min_samples_leaf=20).fit(breast_cancer.X[::2], breast_cancer.y[::2])
    assert np.mean(stolen.hypothesis.predict(breast_cancer.X) == truth.predict(breast_cancer.X)) > 0.85


def test_where_it_cannot_work_it_says_why(iris: mex.Dataset) -> None:
    known, rng = oracle_of(iris).knowledge(), np.random.default_rng(0)
    with pytest.raises(mex.Incompatible, match="grants none"):
        IwalTree(sampler="near").learner(known, rng)
    with pytest.raises(mex.Incompatible, match="sets none"):
        IwalTree().learner(attrs.evolve(known, budget=None), rng)

    class Linear:
        scope = mex.Scope()

        def estimator(self, task: str, rng: np.random.Generator) -> Any:
            return LogisticRegression()

        def fit(self, dataset: mex.Dataset, train: mex.Rows, rng: np.random.Generator) -> mex.FittedTarget:
            raise NotImplementedError

    with pytest.raises(mex.Incompatible, match="LogisticRegression is none"):
        IwalTree(model=Linear()).learner(known, rng)
    svm = attrs.evolve(known, family=mex.Family("kernel", learner=SVC()))
    assert IwalTree().learner(svm, rng).ask() is not None
