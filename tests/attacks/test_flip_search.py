"""flip-search: RF'_n against brute force, and the attack around it."""

from __future__ import annotations

import itertools
from functools import partial

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.svm import SVC

import mex
from mex.testing import check_attack
from mex.testing.examples import example_dataset
from mex_flip_search.attack import FlipSearch
from mex_flip_search.flips import Votes, choices, fewest


def ballots(forest, X):
    """The vote of each tree on each row, tree by tree, shape (trees, n)."""
    return np.array([tree.predict(X) for tree in forest.estimators_]).astype(int)


def decide(votes, classes):
    """The class of most votes, the first where several tie."""
    return np.array([np.bincount(v, minlength=classes).argmax() for v in votes.T])


def brute_force(forest, X, y, weights, x):
    """Every choice of the fewest trees that makes another label win alone, each re-predicting every row."""
    k = len(forest.classes_)
    votes, own = ballots(forest, X), ballots(forest, x[None])[:, 0]
    together = np.array([tree.apply(X) == tree.apply(x[None]) for tree in forest.estimators_])
    before = weights @ (decide(votes, k) != y)
    gaps = []
    for label in set(range(k)) - set(decide(own[:, None], k)):
        for size in range(1, len(own) + 1):
            found = []
            for trees in itertools.combinations(np.flatnonzero(own != label), size):
                flipped = own.copy()
                flipped[list(trees)] = label
                counts = np.bincount(flipped, minlength=k)
                if (np.delete(counts, label) < counts[label]).all():
                    other = np.where(together & np.isin(np.arange(len(own)), trees)[:, None], label, votes)
                    found.append(weights @ (decide(other, k) != y) - before)
            if found:
                gaps.append(min(found))
                break
    return min(gaps)


@pytest.mark.parametrize("trees", [1, 4, 5])
@pytest.mark.parametrize("task", ["binary", "multiclass"])
@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_the_best_flip_is_that_of_brute_force(trees: int, task: str, noise: float) -> None:
    rng = np.random.default_rng(trees)
    data = example_dataset(task)
    k = len(data.class_names)
    forest = RandomForestClassifier(trees, max_depth=3, random_state=0).fit(data.X[:100], data.y[:100])
    X, weights = data.X[100:160], rng.uniform(1, 9, 60)
    y = np.where(rng.random(60) < noise, rng.integers(k, size=60), data.y[100:160])
    votes = Votes(forest, X[:25], y[:25], weights[:25], capacity=80)
    votes.add(X[25:], y[25:], weights[25:])
    choose = partial(choices, exhaustive=10**6, draws=0, rng=rng)
    rows = data.domain.sample(30, rng)
    gaps = [votes.gap(at, choose) for at in votes.leaves(rows).T]
    assert gaps == pytest.approx([brute_force(forest, X, y, weights, x) for x in rows])
    assert len(set(gaps)) > 1, "the test would not tell a constant from the truth"


def test_the_fewest_flips_are_the_papers_but_for_odd_forests() -> None:
    for o, r in [(10, 6), (10, 10), (11, 6), (11, 11), (1, 1), (100, 73)]:
        printed = r - o // 2 + 1
        assert fewest(np.array([o - r, r]), 0).sum() == (min(printed, r) if o % 2 == 0 else printed - 1)


@pytest.mark.parametrize("counts", list(itertools.product(range(5), repeat=3)))
def test_after_the_fewest_flips_the_label_wins_alone_and_not_after_one_less(counts) -> None:
    if sum(counts) == 0:
        return
    for label in range(3):
        flip = fewest(np.array(counts), label)

        def wins(size, label=label):
            others = [c for c in range(3) if c != label]
            taken = itertools.product(*(range(min(size, counts[c]) + 1) for c in others))
            return any(
                sum(t) == size and all(counts[c] - n < counts[label] + size for c, n in zip(others, t, strict=True))
                for t in taken
            )

        size = int(flip.sum())
        assert wins(size)
        assert size == 0 or not wins(size - 1)


def test_random_and_greedy_choices_flip_as_many_of_each_class_as_it_takes() -> None:
    rng = np.random.default_rng(0)
    own = rng.choice(3, size=40, p=[0.2, 0.35, 0.45])
    counts = np.bincount(own)
    flip = fewest(counts, 0)
    chosen = choices(own, 0, flip, rng.random(40), exhaustive=0, draws=50, rng=rng)
    assert chosen.shape == (51, 40)
    for sets in chosen:
        after = np.bincount(np.where(sets, 0, own), minlength=3)
        assert sets.sum() == flip.sum()
        assert after[0] > after[1:].max()
    assert len(np.unique(chosen, axis=0)) > 40


def test_the_greedy_choice_is_better_than_as_many_random_ones() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    rng = np.random.default_rng(0)
    noisy = np.where(rng.random(400) < 0.05, 1 - y[:400], y[:400])
    forest = RandomForestClassifier(30, max_depth=4, random_state=0).fit(X[:400], noisy)
    votes = Votes(forest, X[:400], noisy, rng.uniform(1, 5, 400), capacity=400)
    leaves = votes.leaves(X[400:460]).T

    def mean_gap(draws: int, greedy: bool) -> float:
        def choose(*args):
            return choices(*args, exhaustive=0, draws=draws, rng=rng)[0 if greedy else 1 :]

        return np.mean([votes.gap(at, choose) for at in leaves])

    assert mean_gap(0, greedy=True) < 0.9 * mean_gap(20, greedy=False)
    assert mean_gap(20, greedy=True) < 0.95 * mean_gap(0, greedy=True)


def scenario(data=load_breast_cancer, trees=20, budget=400):
    X, y = data(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))
    X, y = X[order], y[order]
    family = mex.Family("forest", learner=RandomForestClassifier(trees))
    forest = RandomForestClassifier(trees, random_state=0).fit(X[::2], y[::2])
    target = mex.FittedTarget.wrap(forest, domain=mex.Domain.of(X), family=family)
    return X[1::4], X[3::4], target, mex.Oracle(target, budget=budget)


@pytest.mark.parametrize("data", [load_breast_cancer, load_iris])
def test_it_learns_a_forest(data) -> None:
    pool, rest, target, oracle = scenario(data)
    stolen = mex.extract(
        oracle, FlipSearch().learner(oracle.knowledge(pool=pool), np.random.default_rng(0)), snapshots=False
    )
    assert stolen.queries == 400
    assert np.mean(stolen.hypothesis.predict(rest) == target.answer(rest, "label")) > 0.93


def test_a_smaller_constant_asks_fewer_rows_of_the_same_stream() -> None:
    asked = []
    for c0 in (8.0, 1e-4):
        pool, _, _, oracle = scenario(trees=8, budget=5000)
        attack = FlipSearch(c0=c0, stream=400, batch=5)
        stolen = mex.extract(
            oracle, attack.learner(oracle.knowledge(pool=pool), np.random.default_rng(0)), snapshots=False
        )
        assert stolen.stopped == "done"
        assert stolen.note == f"asked {stolen.queries} of 400 rows of the stream"
        asked.append(stolen.queries)
    assert asked[1] < 0.9 * asked[0]
    assert asked[0] > 375, "with the constants of the paper it is passive"


def test_it_is_a_well_behaved_attack(registry: mex.Registry) -> None:
    model = registry.build("model", "random-forest:trees=9")
    check_attack(FlipSearch(model=model, sampler="uniform"), least_agreement=0.75)


@pytest.mark.parametrize("budget", [1, 5, 23])
def test_a_tiny_budget_leaves_a_hypothesis(budget: int) -> None:
    pool, rest, _, oracle = scenario(budget=budget)
    stolen = mex.extract(
        oracle, FlipSearch().learner(oracle.knowledge(pool=pool), np.random.default_rng(0)), snapshots=False
    )
    assert stolen.queries == budget
    assert len(stolen.hypothesis.predict(rest)) == len(rest)


def test_one_label_only_and_labels_that_are_words() -> None:
    pool = np.random.default_rng(0).normal(size=(50, 3))
    family = mex.Family("forest", learner=ExtraTreesClassifier(5))
    for classes, intercept in ((np.array(["no", "yes"]), 0.0), (np.array(["no", "yes"]), 99.0)):
        target = mex.FittedTarget.wrap(mex.halfspace(np.ones(3), intercept, classes), family=family)
        oracle = mex.Oracle(target, budget=60)
        stolen = mex.extract(
            oracle, FlipSearch().learner(oracle.knowledge(pool=pool), np.random.default_rng(0)), snapshots=False
        )
        assert np.mean(stolen.hypothesis.predict(pool) == target.answer(pool, "label")) > 0.8


def test_a_label_that_the_forest_has_not_seen_is_an_error_to_it() -> None:
    X, y = load_iris(return_X_y=True)
    forest = RandomForestClassifier(5, random_state=0).fit(X[y < 2], y[y < 2])
    votes = Votes(forest, X[y < 2], y[y < 2], np.ones(100), capacity=150)
    votes.add(X[y == 2], y[y == 2], np.ones(50))
    gaps = [
        votes.gap(at, partial(choices, exhaustive=10**6, draws=0, rng=None)) for at in votes.leaves(X[y == 2][:5]).T
    ]
    assert gaps == pytest.approx([brute_force(forest, X, y, np.ones(150), x) for x in X[y == 2][:5]])


@pytest.mark.parametrize(
    ("attack", "pool", "learner", "reason"),
    [
        (FlipSearch(), np.zeros((3, 2)), SVC(), "trees of a forest, not of a SVC"),
        (FlipSearch(), None, RandomForestClassifier(), "grants none"),
    ],
)
def test_where_it_cannot_work_it_says_why(attack, pool, learner, reason) -> None:
    family = mex.Family("forest", learner=learner)
    known = mex.Oracle(mex.FittedTarget.wrap(mex.halfspace(np.ones(2)), family=family)).knowledge(pool=pool)
    with pytest.raises(mex.Incompatible, match=reason):
        attack.learner(known, np.random.default_rng(0))
