"""tree-labels: the target's function on the whole domain, to the last float32 number, from labels alone."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, make_classification
from sklearn.tree import DecisionTreeClassifier

import mex
from mex.toolkit.active.samplers import between_rows
from mex.toolkit.trees.comparison import disagreement, equal
from mex.types import Array, FloatArray
from mex_bounded_noise.defense import BoundedNoise
from mex_majority_vote.attack import MajorityVote
from mex_passive.attack import Passive
from mex_threshold_cart.attack import ThresholdCart
from mex_tree_labels.attack import TreeLabels


def tree(X: FloatArray, y: Array, domain: mex.Domain | None = None, **params: object) -> mex.FittedTarget:
    fitted = DecisionTreeClassifier(random_state=0, **params).fit(X, y)  # type: ignore[arg-type]
    return mex.FittedTarget.wrap(fitted, domain=domain or mex.Domain.of(X), family=mex.Family("tree"))


def steal(
    target: mex.Target, attack: mex.Attack | None = None, *, budget: int | None = None, pool: FloatArray | None = None
) -> mex.Extraction:
    oracle = mex.Oracle(target, budget=budget)
    learner = (attack or TreeLabels()).learner(oracle.knowledge(pool=pool), np.random.default_rng(0))
    return mex.extract(oracle, learner, snapshots=False)


def wrong(stolen: mex.Extraction, target: mex.FittedTarget) -> float:
    return disagreement(stolen.hypothesis, target.estimator, target.domain)


@pytest.mark.parametrize(
    ("data", "params", "most"),
    [
        (load_iris, {}, 1_000),
        (load_breast_cancer, {"max_depth": 4}, 3_000),
        (load_digits, {"max_leaf_nodes": 10}, 3_000),
    ],
)
def test_it_equals_the_target_everywhere(data, params, most: int) -> None:
    X, y = data(return_X_y=True)
    target = tree(X[::2], y[::2], mex.Domain.of(X), **params)
    stolen = steal(target, pool=X[1::4])
    assert stolen.stopped == "done"
    assert stolen.queries < most
    assert wrong(stolen, target) == 0
    assert equal(stolen.hypothesis, target.estimator, target.domain)
    assert "probes" in stolen.note


def test_thresholds_are_right_one_float32_number_either_side() -> None:
    X, y = load_iris(return_X_y=True)
    target = tree(X, y, max_depth=3)
    stolen, truth = steal(target).hypothesis, target.estimator.tree_
    for feature, threshold in zip(truth.feature, truth.threshold, strict=True):
        if feature < 0:
            continue
        below = np.float32(threshold) if np.float32(threshold) <= threshold else np.nextafter(np.float32(threshold), -1)
        rows = np.repeat(target.domain.sample(100, np.random.default_rng(1)), 2, axis=0)
        rows[::2, feature], rows[1::2, feature] = below, np.nextafter(np.float32(below), np.float32(100))
        assert np.array_equal(stolen.predict(rows), target.answer(rows, "label"))


def test_one_hot_groups_integers_and_names_of_classes() -> None:
    rng = np.random.default_rng(0)
    domain = mex.Domain([0] * 6, [1, 1, 1, 1, 50, 1], groups=[(0, 1, 2, 3)], integer=[False] * 4 + [True, False])
    X = domain.sample(600, rng)
    y = np.array(["no", "perhaps", "yes"])[
        np.where(X[:, 1] == 1, (X[:, 4] > 20).astype(int), np.where(X[:, 5] > 0.3, 2, (X[:, 3] == 1).astype(int)))
    ]
    target = tree(X, y, domain, max_leaf_nodes=8)
    stolen = steal(target)
    assert wrong(stolen, target) == 0
    assert set(stolen.hypothesis.classes_) == {"no", "perhaps", "yes"}


def test_a_coarser_resolution_asks_less_and_is_wrong_in_slivers_only() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    target = tree(X, y, max_depth=3)
    exact, coarse = steal(target), steal(target, TreeLabels(eps=1e-3))
    assert coarse.queries < exact.queries
    assert 0 < wrong(coarse, target) < 0.01


@pytest.mark.parametrize("budget", [1, 5, 200])
def test_a_budget_leaves_a_tree_of_what_is_known(budget: int) -> None:
    X, y = load_breast_cancer(return_X_y=True)
    target = tree(X, y)
    stolen = steal(target, budget=budget, pool=X)
    assert (stolen.queries, stolen.stopped) == (budget, "budget")
    assert len(stolen.hypothesis.predict(X)) == len(X)
    if budget == 200:
        rows, answers = stolen.transcript.X, stolen.transcript.answers
        share = np.mean(answers == answers[0])
        assert np.mean(stolen.hypothesis.predict(rows) == answers) > max(share, 1 - share) + 0.1


@pytest.mark.parametrize(("budget", "lead"), [(100, 0.0), (250, 0.02)])
def test_a_tree_too_large_for_the_budget_is_learned_better_than_by_passive_learning(budget: int, lead: float) -> None:
    def agreement(attack: mex.Attack, seed: int) -> float:
        X, y = make_classification(2400, 10, n_informative=7, n_clusters_per_class=3, flip_y=0.1, random_state=seed)
        target = tree(X[:1200], y[:1200], mex.Domain.of(X), max_depth=9)
        assert target.estimator.get_n_leaves() > 80
        hypothesis = steal(target, attack, budget=budget, pool=X[1200:1800]).hypothesis
        near = between_rows(X[1800:], target.domain, 2000, np.random.default_rng(seed), crossover=True)
        rows = np.concatenate([X[1800:], near])
        return float(np.mean(hypothesis.predict(rows) == target.answer(rows, "label")))

    attacks = (TreeLabels(), Passive(), Passive(sampler="near"))
    ours, pool, near = (np.mean([agreement(attack, seed) for seed in (0, 2)]) for attack in attacks)
    assert ours > max(pool, near) + lead


def test_of_a_small_tree_it_is_not_behind_passive_learning_at_any_budget() -> None:
    def agreement(attack: mex.Attack, budget: int, seed: int) -> float:
        X, y = make_classification(1600, 8, n_informative=5, flip_y=0.1, random_state=seed)
        target = tree(X[:800], y[:800], mex.Domain.of(X), max_depth=4)
        assert 10 < target.estimator.get_n_leaves() < 17
        hypothesis = steal(target, attack, budget=budget, pool=X[800:1200]).hypothesis
        near = between_rows(X[1200:], target.domain, 2000, np.random.default_rng(seed), crossover=True)
        return float(np.mean(hypothesis.predict(near) == target.answer(near, "label")))

    for budget, lead in ((60, -0.03), (120, 0.03)):
        attacks = (TreeLabels(), Passive(sampler="near"))
        ours, passive = (np.mean([agreement(attack, budget, seed) for seed in range(3)]) for attack in attacks)
        assert ours > passive + lead, budget


def test_with_a_budget_that_is_enough_the_tree_is_found_all_the_same() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    target = tree(X[::2], y[::2], mex.Domain.of(X), max_depth=4)
    stolen = steal(target, budget=3000, pool=X[1::4])
    assert stolen.stopped == "done"
    assert wrong(stolen, target) == 0


class Stump:
    """Answers one class, or two by one threshold of a feature that has a constant beside it."""

    classes_ = np.array([3, 7])
    n_features_in_ = 2

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold

    def predict(self, X: FloatArray) -> Array:
        return self.classes_[(X[:, 0] > self.threshold).astype(int)]


@pytest.mark.parametrize(("threshold", "leaves"), [(2.0, 1), (0.25, 2)])
def test_a_single_leaf_and_a_constant_feature(threshold: float, leaves: int) -> None:
    domain = mex.Domain([0.0, 5.0], [1.0, 5.0])
    target = mex.FittedTarget.wrap(Stump(threshold), domain=domain, family=mex.Family("tree"))
    stolen = steal(target)
    assert stolen.stopped == "done"
    assert getattr(stolen.hypothesis, "get_n_leaves", lambda: 1)() == leaves
    X = domain.sample(500, np.random.default_rng(2))
    assert np.array_equal(stolen.hypothesis.predict(X), target.answer(X, "label"))


class AtTheTop(BaseEstimator):  # type: ignore[misc]
    """The larger of two values, as a booster with float32 thresholds tells it."""

    classes_ = np.array([0, 1])
    n_features_in_ = 2

    def __init__(self, high: float) -> None:
        self.high = high

    def predict(self, X: FloatArray) -> Array:
        return (X.astype(np.float32)[:, 0] >= np.float32(self.high)).astype(int)


@pytest.mark.parametrize("pool", [False, True])
@pytest.mark.parametrize(
    ("low", "high"),
    [(-1.27373, 0.78509), (0.1, 0.3), (0.3, 0.7), (-1e-30, 1e-30), (1e5 + 0.1, 1e5 + 0.7), (-3e20, 3.3e20)],
)
def test_the_threshold_at_a_bound_that_is_no_float32_number_is_found(low: float, high: float, pool: bool) -> None:
    domain = mex.Domain([low, 0], [high, 1])
    target = mex.FittedTarget.wrap(AtTheTop(high), domain=domain, family=mex.Family("tree"))
    X = np.column_stack([np.repeat([low, high], 50), np.random.default_rng(0).random(100)])
    thresholds = ThresholdCart(start=20, committee=5, sampler="pool" if pool else "uniform")
    for attack, budget in ((TreeLabels(), None), (thresholds, 80)):
        oracle = mex.Oracle(target, budget=budget)
        learner = attack.learner(oracle.knowledge(pool=X[::2] if pool else None), np.random.default_rng(0))
        stolen = mex.extract(oracle, learner, snapshots=False)
        if pool or isinstance(attack, TreeLabels):  # uniform rows need not find what is one float32 number wide
            assert (stolen.hypothesis.predict(X) == target.answer(X, "label")).all()
        assert domain.objection(stolen.transcript.X) is None


def test_a_domain_of_a_few_rows_is_asked_whole_and_then_done() -> None:
    domain = mex.Domain([0] * 3, [1] * 3, integer=[True] * 3)
    X = (np.arange(8)[:, None] >> np.arange(3)) & 1
    target = tree(X.astype(float), X.sum(axis=1) % 2, domain)
    stolen = steal(target)
    assert (stolen.queries, stolen.unique_queries, stolen.stopped) == (10, 8, "done"), "two are asked again"
    assert wrong(stolen, target) == 0


def test_under_noise_it_ends_and_says_so_and_a_majority_vote_makes_it_right() -> None:
    X, y = load_iris(return_X_y=True)
    target = tree(X, y, max_depth=2)
    noisy = BoundedNoise(rho=0.1).protect(target, None, np.random.default_rng(3))
    stolen = steal(noisy, TreeLabels(max_leaves=40))
    assert stolen.stopped == "done"
    assert "labels may be wrong" in stolen.note
    assert "more than 40 leaves" in stolen.note
    voted = steal(noisy, MajorityVote(inner=TreeLabels(), repeats="exact", q=400))
    assert wrong(voted, target) == 0


def test_an_unbounded_domain_is_refused() -> None:
    X, y = load_iris(return_X_y=True)
    known = mex.Oracle(tree(X, y, mex.Domain.reals(4))).knowledge()
    with pytest.raises(mex.Incompatible, match="bounds"):
        TreeLabels().learner(known, np.random.default_rng(0))
