"""threshold-cart: agreement near the data, ahead of passive CART."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.tree import DecisionTreeClassifier

import mex
from mex.toolkit.active.samplers import between_rows
from mex.types import Array, FloatArray
from mex_bounded_noise.defense import BoundedNoise
from mex_majority_vote.attack import MajorityVote
from mex_passive.attack import Passive
from mex_threshold_cart.attack import ThresholdCart

pytestmark = pytest.mark.usefixtures("few_trees")


def tree(X: FloatArray, y: Array, domain: mex.Domain, **params: object) -> mex.FittedTarget:
    fitted = DecisionTreeClassifier(random_state=0, **params).fit(X, y)  # type: ignore[arg-type]
    family = mex.Family("tree", learner=DecisionTreeClassifier(random_state=0))
    return mex.FittedTarget.wrap(fitted, domain=domain, family=family)


def near_agreement(attack: mex.Attack, budget: int, seed: int, defense: BoundedNoise | None = None) -> float:
    X, y = load_breast_cancer(return_X_y=True)
    X, y = (part[np.random.default_rng(seed).permutation(len(X))] for part in (X, y))
    domain, rng = mex.Domain.of(X), np.random.default_rng(seed)
    target = tree(X[:284], y[:284], domain)
    answers = defense.protect(target, None, np.random.default_rng(seed)) if defense else target
    oracle = mex.Oracle(answers, budget=budget)
    stolen = mex.extract(oracle, attack.learner(oracle.knowledge(pool=X[284:426]), rng), snapshots=False)
    near = between_rows(X[426:], domain, 2000, np.random.default_rng(9), crossover=True)
    return float(np.mean(stolen.hypothesis.predict(near) == target.answer(near, "label")))


def test_it_is_ahead_of_plain_cart_on_its_thresholds_and_of_passive_cart() -> None:
    attacks = [ThresholdCart(), ThresholdCart(look=1), Passive(sampler="near")]
    ours, plain, passive = (np.mean([near_agreement(attack, 300, seed) for seed in range(2)]) for attack in attacks)
    assert ours > 0.92
    assert ours > plain > passive + 0.04


def test_of_a_tree_grown_on_noise_it_learns_more_than_passive_cart() -> None:
    domain, rng = mex.Domain([0.0] * 6, [1.0] * 6), np.random.default_rng(0)
    X, pool, held_out = (domain.sample(n, rng) for n in (1500, 400, 2000))
    noisy = (X[:, 0] + X[:, 1] > 1) ^ (rng.random(1500) < 0.2)
    target = tree(X, noisy.astype(int), domain)
    assert target.estimator.get_n_leaves() > 200

    def agreement(attack: mex.Attack, seed: int) -> float:
        oracle = mex.Oracle(target, budget=600)
        learner = attack.learner(oracle.knowledge(pool=pool), np.random.default_rng(seed))
        stolen = mex.extract(oracle, learner, snapshots=False).hypothesis
        return float(np.mean(stolen.predict(held_out) == target.answer(held_out, "label")))

    attacks = (ThresholdCart(candidates=500, committee=10), Passive(sampler="near"))
    ours, passive = (agreement(attack, 0) for attack in attacks)
    assert ours > passive + 0.02


def test_of_deep_trees_it_is_not_behind_passive_cart_at_any_budget(registry: mex.Registry) -> None:
    counts = (30, 60, 100, 200)

    def curve(attack: mex.Attack, dataset: mex.Dataset, seed: int) -> list[float]:
        order = np.random.default_rng(seed).permutation(len(dataset.X))
        train, granted, held_out = np.split(order, [len(order) // 2, 3 * len(order) // 4])
        target = tree(dataset.X[train], dataset.y[train], dataset.domain, max_depth=8)
        near = between_rows(dataset.X[held_out], dataset.domain, 2000, np.random.default_rng(9), crossover=True)
        oracle = mex.Oracle(target, budget=counts[-1])
        learner = attack.learner(oracle.knowledge(pool=dataset.X[granted]), np.random.default_rng(seed))
        agreement = []
        while len(agreement) < len(counts):
            X = learner.ask() if oracle.remaining else None
            if X is None or oracle.queries + len(X) > counts[len(agreement)]:
                predicted = learner.hypothesis().predict(near)
                agreement.append(float(np.mean(predicted == target.answer(near, "label"))))
            else:
                learner.tell(X, oracle.ask(X))
        return agreement

    datasets = [registry.build("dataset", name).load() for name in ("german-credit", "heart")]
    ours, passive = (
        np.mean([curve(attack, dataset, 0) for dataset in datasets], axis=0)
        for attack in (ThresholdCart(), Passive(sampler="near"))
    )
    assert (ours > np.add(passive, [0, 0, 0, 0.03])).all()


def test_a_start_of_one_row_leaves_nothing_to_hold_back(iris: mex.Dataset) -> None:
    oracle = mex.Oracle(tree(iris.X, iris.y, iris.domain), budget=40)
    learner = ThresholdCart(start=1).learner(oracle.knowledge(pool=iris.X), np.random.default_rng(0))
    assert mex.extract(oracle, learner).queries == 40


@pytest.mark.parametrize("budget", [1, 5, 60])
def test_a_small_budget_is_spent_and_no_more(budget: int) -> None:
    near_agreement(ThresholdCart(), budget, 0)


def test_noise_of_a_known_rate_breaks_neither_it_nor_the_majority_vote() -> None:
    noise = BoundedNoise(rho=0.1)
    assert near_agreement(ThresholdCart(), 400, 1, noise) > 0.87
    voted = MajorityVote(inner=ThresholdCart(), repeats="exact")
    assert near_agreement(voted, 4000, 0, noise) > 0.94


def test_one_label_and_the_same_row_over_and_over_end_well() -> None:
    domain = mex.Domain([0.0, 0.0], [1.0, 1.0])
    target = tree(np.zeros((4, 2)), np.array([5, 5, 5, 5]), domain)
    oracle = mex.Oracle(target, budget=100)
    known = oracle.knowledge(pool=np.zeros((3, 2)))
    stolen = mex.extract(oracle, ThresholdCart().learner(known, np.random.default_rng(0)), snapshots=False)
    assert stolen.queries == 100
    assert stolen.hypothesis.predict([[0.5, 0.5]]).tolist() == [5]


def test_contradicting_labels_that_nobody_declared_do_not_stop_it() -> None:
    class Liar(mex.Defended):
        rho = 0.0  # type: ignore[assignment]

        def answer(self, X, kind):
            return np.random.default_rng(len(X)).choice(self.classes, size=len(X))

    X, y = load_iris(return_X_y=True)
    oracle = mex.Oracle(Liar(tree(X, y, mex.Domain.of(X))), budget=250)
    learner = ThresholdCart().learner(oracle.knowledge(pool=X[:5]), np.random.default_rng(0))
    assert mex.extract(oracle, learner, snapshots=False).queries == 250


@pytest.mark.parametrize(
    ("attack", "pool", "budget", "reason"),
    [(ThresholdCart(), True, None, "budget"), (ThresholdCart(), False, 10, "pool")],
)
def test_where_it_cannot_work_it_says_why(attack: ThresholdCart, pool: bool, budget: int | None, reason: str) -> None:
    X, y = load_iris(return_X_y=True)
    oracle = mex.Oracle(tree(X, y, mex.Domain.of(X)), budget=budget)
    with pytest.raises(mex.Incompatible, match=reason):
        attack.learner(oracle.knowledge(pool=X if pool else None), np.random.default_rng(0))
