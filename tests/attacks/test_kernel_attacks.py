"""The attacks on kernel machines, on small targets of known kernel."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, make_moons
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import mex
from mex.dataset import Rows
from mex.toolkit.active.samplers import between_rows
from mex_adaptive_retraining.attack import AdaptiveRetraining
from mex_boundary_search.attack import BoundarySearch
from mex_bounded_noise.defense import BoundedNoise
from mex_dual_space.attack import DualSpace
from mex_extended_adaptive_training.attack import ExtendedAdaptiveTraining
from mex_kernel_svm.model import KernelSvm
from mex_majority_vote.attack import MajorityVote
from mex_margin_points.attack import MarginPoints

ATTACKS = [
    MarginPoints(),
    MarginPoints(choice="diversity"),
    AdaptiveRetraining(),
    AdaptiveRetraining(strategy="line-search"),
    ExtendedAdaptiveTraining(),
    DualSpace(batch=4),
    DualSpace(margin="ratio", candidates=50, finalists=2),
    BoundarySearch(),
]
every_attack = pytest.mark.parametrize(
    "attack", ATTACKS, ids=lambda attack: f"{type(attack).__name__}{ATTACKS.index(attack)}"
)

X, Y = make_moons(600, noise=0.2, random_state=0)
POOL, HELD_OUT = X[300:450], X[450:]
NEAR = between_rows(HELD_OUT, mex.Domain.of(X), 4000, np.random.default_rng(9))


def moons(classes: Any = (0, 1), public: bool = True) -> mex.FittedTarget:
    learner = make_pipeline(StandardScaler(), SVC(C=10.0, gamma=1.0))
    fitted = make_pipeline(StandardScaler(), SVC(C=10.0, gamma=1.0)).fit(X[:300], np.array(classes)[Y[:300]])
    family = mex.Family("kernel", {"kernel": "rbf", "gamma": 1.0} if public else {}, learner)
    return mex.FittedTarget.wrap(fitted, domain=mex.Domain.of(X), family=family, answers=("label",))


def steal(attack: Any, target: Any, budget: int, seed: int = 0, pool: Any = POOL, **known: Any) -> mex.Extraction:
    oracle = mex.Oracle(target, budget=budget)
    learner = attack.learner(attrs.evolve(oracle.knowledge(pool=pool), **known), np.random.default_rng(seed))
    return mex.extract(oracle, learner, snapshots=False)


def near_agreement(stolen: mex.Extraction, target: mex.FittedTarget) -> float:
    return float(np.mean(stolen.hypothesis.predict(NEAR) == target.answer(NEAR, "label")))


@pytest.mark.parametrize(
    ("attack", "budget", "agreement"),
    [
        (MarginPoints(), 80, 0.99),
        (MarginPoints(choice="diversity"), 80, 0.988),
        (MarginPoints(kernel="search"), 60, 0.97),
        (AdaptiveRetraining(rounds=15), 150, 0.92),
        (AdaptiveRetraining(strategy="uniform"), 150, 0.95),
        (AdaptiveRetraining(strategy="line-search"), 150, 0.93),
        (ExtendedAdaptiveTraining(), 120, 0.985),
        (DualSpace(), 120, 0.985),
        (DualSpace(margin="maxmin", candidates=50, finalists=3), 40, 0.88),
        (DualSpace(margin="ratio", candidates=50, finalists=3), 40, 0.9),
        (BoundarySearch(), 200, 0.97),
    ],
)
def test_how_much_of_two_moons_it_gets(attack, budget: int, agreement: float) -> None:
    target = moons()
    got = [near_agreement(steal(attack, target, budget, seed), target) for seed in range(2)]
    assert np.mean(got) >= agreement


def test_it_beats_random_points_on_the_same_budget() -> None:
    target = moons()
    means = [
        np.mean([near_agreement(steal(attack, target, 60, seed), target) for seed in range(3)])
        for attack in (AdaptiveRetraining(strategy="uniform"), ExtendedAdaptiveTraining(), MarginPoints())
    ]
    assert means == sorted(means)


def test_an_island_that_the_first_answers_miss_is_found() -> None:
    rows = np.random.default_rng(0).uniform(-2, 2, (400, 2))
    y = (rows[:, 0] < -1) | (((rows - [1, 0.5]) ** 2).sum(axis=1) < 0.35)
    learner = SVC(C=100.0, gamma=4.0).fit(rows[:250], y[:250].astype(int))
    family = mex.Family("kernel", {"kernel": "rbf", "gamma": 4.0}, learner)
    target = mex.FittedTarget.wrap(learner, domain=mex.Domain.of(rows), family=family, answers=("label",))
    points = target.domain.sample(3000, np.random.default_rng(1))
    for seed in range(3):
        stolen = steal(MarginPoints(start=4), target, 60, seed, rows[250:])
        assert np.mean(stolen.hypothesis.predict(points) == target.answer(points, "label")) > 0.9


def test_that_the_target_was_trained_on_rows_like_the_pool_saves_queries(registry: mex.Registry) -> None:
    data = registry.build("dataset", "breast-cancer-wisconsin").load()
    X = (data.X - 5.5) / 4.5
    learner = SVC(C=0.125, gamma=0.5)
    family = mex.Family("kernel", {"kernel": "rbf", "gamma": 0.5}, learner)
    target = mex.FittedTarget.wrap(
        learner.fit(X[:300], data.y[:300]), domain=mex.Domain(-np.ones(9), np.ones(9)), family=family
    )
    points = between_rows(X[450:], target.domain, 4000, np.random.default_rng(1))
    right = target.answer(points, "label")

    def wrong(prior: str, seed: int) -> float:
        stolen = steal(MarginPoints(prior=prior), target, 40, seed, X[300:450])
        return float(np.mean(stolen.hypothesis.predict(points) != right))

    errors = {prior: np.mean([wrong(prior, seed) for seed in range(4)]) for prior in ("data", "kernel")}
    assert errors["data"] < 0.8 * errors["kernel"]


@every_attack
@pytest.mark.parametrize("budget", [1, 5, 23])
def test_any_budget_is_spent_to_the_last_query(attack, budget: int) -> None:
    stolen = steal(attack, moons(("b", "a")), budget)
    assert (stolen.queries, stolen.stopped) == (budget, "budget") or stolen.queries == budget
    assert set(stolen.hypothesis.predict(NEAR)) <= {"a", "b"}
    assert stolen.hypothesis.n_features_in_ == 2


MIXED = mex.Domain(
    [-2, 0, 0, 0, 0, 5], [2, 9, 1, 1, 1, 5], integer=[False, True, False, False, False, False], groups=[(2, 3, 4)]
)


def mixed_target() -> mex.FittedTarget:
    """A continuous feature, an integer one, a category and a constant."""
    rows = MIXED.sample(300, np.random.default_rng(1))
    y = np.sin(2 * rows[:, 0]) + rows[:, 1] / 9 + rows[:, 2] > 0.7
    learner = make_pipeline(StandardScaler(), SVC(C=10.0))
    family = mex.Family("kernel", {"kernel": "rbf", "gamma": "scale"}, learner)
    fitted = make_pipeline(StandardScaler(), SVC(C=10.0)).fit(rows, y)
    return mex.FittedTarget.wrap(fitted, domain=MIXED, family=family, answers=("label",))


@every_attack
@pytest.mark.parametrize("name", ["uniform", "near", "mixed", "pool"])
def test_what_it_asks_is_valid_where_features_are_whole_or_categories(attack, name: str) -> None:
    target = mixed_target()
    pool = MIXED.sample(40, np.random.default_rng(2))
    stolen = steal(attrs.evolve(attack, sampler=name), target, 60, pool=pool)
    assert stolen.unique_queries == stolen.queries  # what it asks is not asked twice; the oracle refuses the invalid
    rows = MIXED.sample(2000, np.random.default_rng(3))
    if name == "uniform":
        assert np.mean(stolen.hypothesis.predict(rows) == target.answer(rows, "label")) > 0.7
    searches = isinstance(attack, BoundarySearch) or "line-search" in repr(attack)
    if name == "pool" and not searches:
        assert {row.tobytes() for row in stolen.transcript.X} <= {row.tobytes() for row in pool}
        assert (stolen.queries, stolen.stopped) == (40, "done")


@every_attack
def test_wrong_labels_do_not_break_it(attack) -> None:
    target = moons()
    noisy = BoundedNoise(rho=0.1, sticky=False).protect(target, Rows(X[:300], Y[:300]), np.random.default_rng(0))
    assert near_agreement(steal(attack, noisy, 80), target) > 0.75
    assert near_agreement(steal(attack, noisy, 40, rho=None), target) > 0.55


def test_it_overcomes_noise_that_a_hard_margin_fits() -> None:
    target = moons()
    got: dict[float | None, list[float]] = {None: [], 1e4: []}
    for seed in range(2):
        noisy = BoundedNoise(rho=0.2).protect(target, Rows(X[:300], Y[:300]), np.random.default_rng(seed))
        for C, shares in got.items():
            shares.append(near_agreement(steal(MarginPoints(C=C, batch=10), noisy, 200, seed), target))
    assert np.mean(got[None]) > max(0.94, np.mean(got[1e4]) + 0.03)


def test_inside_a_majority_vote_it_sees_right_labels() -> None:
    target = moons()
    noisy = BoundedNoise(rho=0.1, sticky=False).protect(target, Rows(X[:300], Y[:300]), np.random.default_rng(0))
    stolen = steal(MajorityVote(inner=MarginPoints(), repeats="exact"), noisy, 1000)
    assert near_agreement(stolen, target) > 0.97


@every_attack
def test_a_target_with_one_label_is_answered_by_it(attack) -> None:
    target = mex.FittedTarget.wrap(mex.halfspace(np.zeros(2), 1.0, np.array(["no", "yes"])), family=moons().family)
    for pool in (POOL, None):
        stolen = steal(attack, target, 40, pool=pool)
        assert stolen.queries == 40
        assert stolen.hypothesis.predict(NEAR[:3]).tolist() == ["yes"] * 3


@every_attack
def test_a_domain_of_few_rows_is_asked_once_and_known(attack) -> None:
    bits = mex.Domain(np.zeros(3), np.ones(3), integer=[True] * 3)
    corners = np.array(np.meshgrid(*[[0.0, 1.0]] * 3)).reshape(3, -1).T
    parity = SVC(C=1e3, gamma=2.0).fit(corners, corners.sum(axis=1) % 2)
    target = mex.FittedTarget.wrap(parity, domain=bits, family=moons().family, answers=("label",))
    stolen = steal(attack, target, 50, pool=np.repeat(corners, 3, axis=0))
    assert stolen.queries <= 8
    assert stolen.stopped == "done"


def test_without_a_pool_it_draws_uniform_rows() -> None:
    target = moons()
    points = target.domain.sample(2000, np.random.default_rng(0))
    stolen = steal(MarginPoints(), target, 150, pool=None)
    assert np.mean(stolen.hypothesis.predict(points) == target.answer(points, "label")) > 0.98


def test_a_model_as_it_is_deployed_is_stolen_with_scales_of_the_attacker() -> None:
    rows, y = load_breast_cancer(return_X_y=True)
    data = mex.Dataset("breast-cancer", rows, y, mex.Domain.of(rows), ("malignant", "benign"))
    target = KernelSvm().fit(data, Rows(rows[:280], y[:280]), np.random.default_rng(0))
    stolen = steal(MarginPoints(), target, 200, pool=rows[280:420])
    held_out = between_rows(rows[420:], data.domain, 2000, np.random.default_rng(1))
    assert np.mean(stolen.hypothesis.predict(held_out) == target.answer(held_out, "label")) > 0.96


def test_a_polynomial_kernel() -> None:
    learner = make_pipeline(StandardScaler(), SVC(kernel="poly", degree=2, coef0=1.0, gamma=1.0))
    family = mex.Family("kernel", {"kernel": "poly", "degree": 2, "coef0": 1.0, "gamma": 1.0}, learner)
    rows = np.random.default_rng(0).uniform(-1, 1, (300, 3))
    fitted = make_pipeline(StandardScaler(), SVC(kernel="poly", degree=2, coef0=1.0, gamma=1.0))
    fitted.fit(rows, (rows**2).sum(axis=1) > 1)
    target = mex.FittedTarget.wrap(fitted, domain=mex.Domain.of(rows), family=family, answers=("label",))
    stolen = steal(MarginPoints(), target, 60, pool=rows[:100])
    points = target.domain.sample(2000, np.random.default_rng(0))
    assert np.mean(stolen.hypothesis.predict(points) == target.answer(points, "label")) > 0.98


@pytest.mark.parametrize(
    ("attack", "pool", "budget", "reason"),
    [
        (MarginPoints(sampler="near"), None, 10, "draws from the pool"),
        (MarginPoints(), None, None, "until a budget is spent"),
        (AdaptiveRetraining(), POOL, None, "divides a budget"),
    ],
)
def test_where_it_cannot_work_it_says_why(attack, pool, budget, reason: str) -> None:
    known = mex.Oracle(moons(), budget=budget).knowledge(pool=pool)
    with pytest.raises(mex.Incompatible, match=reason):
        attack.learner(known, np.random.default_rng(0))
