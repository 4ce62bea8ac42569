"""threshold-cart: agreement near the data, ahead of passive CART."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.tree import DecisionTreeClassifier

import mex
from mex.testing import check_attack
from mex.toolkit.active.samplers import between_rows
from mex.toolkit.trees.thresholds import Thresholds
from mex.types import Array, FloatArray
from mex_bounded_noise.defense import BoundedNoise
from mex_majority_vote.attack import MajorityVote
from mex_passive.attack import Passive
from mex_threshold_cart.attack import ThresholdCart
from mex_threshold_cart.trees import cart, mixed_cells


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


def test_it_is_a_well_behaved_attack() -> None:
    X, y = load_iris(return_X_y=True)
    X = X[:, :2] - X[:, :2].mean(axis=0)
    pooled = np.hstack([X, X])  # the pool of the check has four columns
    check_attack(ThresholdCart(), tree(np.clip(pooled, -1, 1), y, mex.Domain([-1.0] * 4, [1.0] * 4), max_depth=3))


def test_it_is_ahead_of_plain_cart_on_its_thresholds_and_of_passive_cart() -> None:
    attacks = [ThresholdCart(), ThresholdCart(look=1), Passive(sampler="near")]
    ours, plain, passive = (np.mean([near_agreement(attack, 500, seed) for seed in range(3)]) for attack in attacks)
    assert ours > 0.98
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
        assert isinstance(stolen, DecisionTreeClassifier)
        return float(np.mean(stolen.predict(held_out) == target.answer(held_out, "label")))

    ours, passive = (
        [agreement(attack, seed) for seed in range(2)] for attack in (ThresholdCart(), Passive(sampler="near"))
    )
    assert np.mean(ours) > np.mean(passive) + 0.02


def test_of_a_tree_of_many_leaves_it_learns_more_than_passive_cart_at_any_budget(registry: mex.Registry) -> None:
    plan = {
        "attacks": {"threshold-cart": {"look": 5}, "passive": {"sampler": "near"}},
        "defenses": ["none"],
        "models": {"tree": {"use": "decision-tree", "max_depth": 8}},
        "datasets": ["german-credit"],
        "budget": 600,
        "seeds": 2,
    }
    records = mex.matrix(plan, registry=registry)

    def after(attack: str, share: float) -> float:
        curves = [record["curve"] for record in records if record["attack"] == attack]
        found = [[p["near_agreement"] for p in curve if p["queries"] <= share * 600][-1] for curve in curves]
        return float(np.mean(found))

    for share, lead in ((0.1, -0.03), (0.25, 0.0), (0.5, 0.0), (1.0, 0.02)):
        assert after("threshold-cart", share) > after("passive", share) + lead, share


def test_a_start_of_one_row_leaves_nothing_to_hold_back(iris: mex.Dataset) -> None:
    oracle = mex.Oracle(tree(iris.X, iris.y, iris.domain), budget=40)
    learner = ThresholdCart(start=1).learner(oracle.knowledge(pool=iris.X), np.random.default_rng(0))
    assert mex.extract(oracle, learner).queries == 40


@pytest.mark.parametrize("budget", [1, 5, 60])
def test_a_small_budget_is_spent_and_no_more(budget: int) -> None:
    near_agreement(ThresholdCart(), budget, 0)


def test_noise_of_a_known_rate_breaks_neither_it_nor_the_majority_vote() -> None:
    noise = BoundedNoise(rho=0.1)
    assert near_agreement(ThresholdCart(), 1000, 1, noise) > 0.85
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
    oracle = mex.Oracle(Liar(tree(X, y, mex.Domain.of(X))), budget=700)
    learner = ThresholdCart().learner(oracle.knowledge(pool=X[:5]), np.random.default_rng(0))
    assert mex.extract(oracle, learner, snapshots=False).queries == 700


def test_mixed_cells_are_those_of_more_than_one_label() -> None:
    Z = np.random.default_rng(0).random((200, 9)) < 0.5
    y = np.random.default_rng(1).integers(2, size=200)
    mixed = mixed_cells(Z, y)
    for cell in mixed:
        assert (Z[cell] == Z[cell[0]]).all()
        assert len(np.unique(y[cell])) == 2
    others = np.setdiff1d(np.arange(200), np.concatenate(mixed))
    keys = {Z[i].tobytes(): y[i] for i in others}
    assert all(y[i] == keys[Z[i].tobytes()] for i in others)


@pytest.mark.parametrize(
    ("attack", "pool", "budget", "reason"),
    [(ThresholdCart(), True, None, "budget"), (ThresholdCart(), False, 10, "pool")],
)
def test_where_it_cannot_work_it_says_why(attack: ThresholdCart, pool: bool, budget: int | None, reason: str) -> None:
    X, y = load_iris(return_X_y=True)
    oracle = mex.Oracle(tree(X, y, mex.Domain.of(X)), budget=budget)
    with pytest.raises(mex.Incompatible, match=reason):
        attack.learner(oracle.knowledge(pool=X if pool else None), np.random.default_rng(0))


def test_cart_guesses_as_scikit_learn_does_and_takes_a_known_threshold_for_a_guess() -> None:
    X, y = load_iris(return_X_y=True)
    X = X.astype(np.float32).astype(np.float64)
    known = Thresholds(mex.Domain.of(X))
    plain = cart(known, X, y, np.arange(3), min_leaf=5)
    assert np.array_equal(
        plain.predict(X), DecisionTreeClassifier(min_samples_leaf=5, random_state=0).fit(X, y).predict(X)
    )
    feature, guess = int(plain.tree_.feature[0]), float(plain.tree_.threshold[0])
    values = np.unique(X[:, feature])
    low, high = values[values <= guess].max(), values[values > guess].min()
    known.add(feature, low + (high - low) / 8, low + (high - low) / 4)
    known.add(1, 2.0, 4.4)  # rows lie inside this one: no guess is it, but CART may take it as it is
    tree = cart(known, X, y, np.arange(3), min_leaf=5)
    assert low + (high - low) / 8 < tree.tree_.threshold[0] < low + (high - low) / 4 or tree.tree_.feature[0] != feature
    assert set(tree.tree_.threshold[tree.tree_.feature == 1]) <= {3.2} | set(
        np.convolve(np.unique(X[:, 1]), [0.5, 0.5])
    )
