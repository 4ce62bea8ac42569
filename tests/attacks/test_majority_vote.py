"""majority-vote: Proposition 1 holds under fresh noise, fails under sticky noise, and says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom
from toys import plane

import mex
import mex_majority_vote.attack as module
from mex.testing import check_attack
from mex.toolkit.bounds import repeats
from mex.types import Array, FloatArray
from mex_bounded_noise.defense import BoundedNoise
from mex_majority_vote.attack import MajorityVote, fewest_repeats
from mex_passive.attack import Passive
from mex_version_space.attack import VersionSpace


def unit(d: int, seed: int) -> FloatArray:
    w = np.random.default_rng(seed).standard_normal(d)
    return w / np.linalg.norm(w)


def halfspace(w: FloatArray) -> mex.FittedTarget:
    family = mex.Family("linear", {"intercept": False})
    return mex.FittedTarget.wrap(plane(w), family=family, answers=("label",))


def noisy(target: mex.Target, seed: int = 0, **noise: Any) -> mex.Target:
    return BoundedNoise(**noise).protect(target, None, np.random.default_rng([seed, 1]))


def steal(attack: MajorityVote, target: mex.Target, *, seed: int = 0, budget: int | None = None) -> mex.Extraction:
    oracle = mex.Oracle(target, budget=budget)
    return mex.extract(oracle, attack.learner(oracle.knowledge(), np.random.default_rng(seed)), snapshots=False)


def error(stolen: mex.Extraction, w: FloatArray) -> float:
    """The angle between two halfspaces, by the share of rows on which they disagree."""
    X = np.random.default_rng(0).standard_normal((20_000, len(w)))
    return float(np.pi * np.mean(stolen.hypothesis.predict(X) != np.where(X @ w > 0, 1, -1)))


def test_it_is_a_well_behaved_attack() -> None:
    check_attack(MajorityVote(inner=Passive()), least_agreement=0.9)


@pytest.mark.parametrize("rho", [0.1, 0.3])
def test_under_fresh_noise_it_asks_and_learns_what_the_inner_attack_does_without_noise(rho: float) -> None:
    attack = MajorityVote(inner=VersionSpace(), q=60)
    for seed in range(2):
        target = halfspace(unit(8, seed))
        clean, stolen = steal(attack, target, seed=seed), steal(attack, noisy(target, seed, rho=rho), seed=seed)
        r = repeats(60, 0.05, rho)
        assert (clean.queries, stolen.queries, stolen.stopped) == (60, 60 * r, "done")
        np.testing.assert_array_equal(stolen.transcript.X[::r], clean.transcript.X)
        np.testing.assert_array_equal(stolen.hypothesis.coef_, clean.hypothesis.coef_)
        assert stolen.note == ""


def test_under_sticky_noise_it_fails_and_says_so() -> None:
    attack, fresh, sticky = MajorityVote(inner=VersionSpace(), q=70), [], []
    for seed in range(3):
        w = unit(8, seed)
        fresh.append(error(steal(attack, noisy(halfspace(w), seed, rho=0.2), seed=seed), w))
        stolen = steal(attack, noisy(halfspace(w), seed, rho=0.2, sticky=True), seed=seed)
        sticky.append(error(stolen, w))
        assert "the noise is sticky" in stolen.note
    assert max(fresh) < 0.01
    assert np.median(sticky) > 0.1


def test_it_beats_the_inner_attack_at_the_same_budget() -> None:
    def median(attack: mex.Attack) -> float:
        errors = []
        for seed in range(3):
            w = unit(8, seed)
            oracle = mex.Oracle(noisy(halfspace(w), seed, rho=0.1), budget=700)
            learner = attack.learner(oracle.knowledge(), np.random.default_rng(seed))
            errors.append(error(mex.extract(oracle, learner, snapshots=False), w))
        return float(np.median(errors))

    assert median(MajorityVote(inner=VersionSpace(), repeats="exact")) < median(VersionSpace()) / 10


@pytest.mark.parametrize("kind", ["paper", "exact"])
@pytest.mark.parametrize(("budget", "rho"), [(1000, 0.1), (100_000, 0.1), (100_000, 0.4)])
def test_it_plans_as_many_queries_as_the_budget_can_repeat(kind: str, budget: int, rho: float) -> None:
    count = repeats if kind == "paper" else fewest_repeats
    stolen = steal(MajorityVote(repeats=kind, inner=Wandering()), noisy(halfspace(unit(5, 0)), rho=rho), budget=budget)
    r = count(stolen.unique_queries, 0.05, rho)
    assert stolen.queries == stolen.unique_queries * r <= budget
    q = stolen.unique_queries + 1
    assert q * count(q, 0.05, rho) > budget


@pytest.mark.parametrize(("q", "delta", "rho"), [(1, 0.5, 0.1), (50, 0.05, 0.1), (500, 1e-3, 0.3), (1000, 0.05, 0.45)])
def test_the_fewest_repeats_are_enough_and_two_less_are_not(q: int, delta: float, rho: float) -> None:
    r = fewest_repeats(q, delta, rho)
    wrong = binom.sf(r // 2, r, rho)
    assert r % 2 == 1
    assert wrong <= delta / q
    assert r == 1 or binom.sf((r - 2) // 2, r - 2, rho) > delta / q
    assert r <= repeats(q, delta, rho)


def test_without_noise_each_query_is_asked_once() -> None:
    w = unit(6, 1)
    stolen = steal(MajorityVote(inner=VersionSpace()), halfspace(w), budget=60)
    assert (stolen.queries, stolen.unique_queries) == (60, 60)
    assert error(stolen, w) < 0.01


def test_several_classes_are_told_apart_by_the_most_frequent_label(iris: mex.Dataset, registry: mex.Registry) -> None:
    target = registry.build("model", "logistic").fit(iris, mex.dataset.Rows(iris.X, iris.y), np.random.default_rng(0))
    oracle = mex.Oracle(noisy(target, rho=0.4), answers="label")
    learner = MajorityVote(inner=Passive(), q=100).learner(oracle.knowledge(iris.X), np.random.default_rng(0))
    stolen = mex.extract(oracle, learner, snapshots=False)
    voted = learner._inner.answers  # type: ignore[attr-defined]
    np.testing.assert_array_equal(voted, target.answer(stolen.transcript.X[:: stolen.queries // 100], "label"))


class Wandering:
    """Asks random rows, several at a time, and keeps what it is told."""

    scope = mex.Scope()
    paper = ""

    def __init__(self, batch: int = 7) -> None:
        self.batch = batch
        self.told: list[tuple[FloatArray, Array]] = []

    def learner(self, knowledge: mex.Knowledge, rng: np.random.Generator) -> mex.Learner:
        self.knowledge, self.rng = knowledge, rng
        self.next = rng.standard_normal((self.batch, 5))
        return self

    def ask(self) -> FloatArray:
        return self.next

    def tell(self, X: FloatArray, answers: Array) -> None:
        self.told.append((X, answers))
        self.next = self.rng.standard_normal((self.batch, 5))

    def hypothesis(self) -> Any:
        return mex.halfspace(np.ones(5))


def test_the_inner_attack_knows_of_no_noise_and_of_its_own_budget() -> None:
    inner = Wandering()
    steal(MajorityVote(inner=inner, q=20, rho=0.2), halfspace(unit(5, 0)))
    assert (inner.knowledge.rho, inner.knowledge.budget) == (0.0, 20)
    assert [len(X) for X, _ in inner.told] == [7, 7, 6]


def test_large_batches_are_asked_in_parts_and_told_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROWS", 150)
    inner, target = Wandering(batch=30), halfspace(unit(5, 0))
    oracle = mex.Oracle(noisy(target, rho=0.1))
    learner = MajorityVote(inner=inner, q=60, repeats="exact").learner(oracle.knowledge(), np.random.default_rng(0))
    sizes = []
    while (X := learner.ask()) is not None:
        sizes.append(len(X))
        learner.tell(X, oracle.ask(X))
    assert max(sizes) <= 150
    assert [len(X) for X, _ in inner.told] == [30, 30]
    for X, answers in inner.told:
        np.testing.assert_array_equal(answers, target.answer(X, "label"))


def test_a_row_that_the_budget_cuts_short_is_not_voted_on() -> None:
    inner, target = Wandering(batch=10), halfspace(unit(5, 0))
    r = repeats(1000, 0.05, 0.1)
    stolen = steal(MajorityVote(inner=inner, q=1000), noisy(target, rho=0.1), budget=13 * r + 5)
    assert stolen.stopped == "budget"
    assert [len(X) for X, _ in inner.told] == [10, 3]
    for X, answers in inner.told:
        np.testing.assert_array_equal(answers, target.answer(X, "label"))


def test_ties_are_broken_by_a_fair_coin() -> None:
    learner = MajorityVote(inner=Wandering(), q=1, rho=0.1).learner(
        mex.Oracle(halfspace(unit(5, 0))).knowledge(), np.random.default_rng(0)
    )
    learner._r = 2  # type: ignore[attr-defined]
    won = learner._majorities(np.tile([-1, 1], (2000, 1)))  # type: ignore[attr-defined]
    assert 0.45 < np.mean(won == 1) < 0.55


class Unknown(mex.Defended):
    """A defense that does not say how often it is wrong."""

    def answer(self, X: FloatArray, kind: Any) -> Array:
        return self._target.answer(X, kind)


@pytest.mark.parametrize(
    ("attack", "rho", "budget", "reason"),
    [
        (MajorityVote(inner=VersionSpace()), None, 1000, "give rho"),
        (MajorityVote(inner=VersionSpace()), 0.5, 1000, "less than half"),
        (MajorityVote(inner=VersionSpace()), 0.1, None, "give q, or a budget"),
        (MajorityVote(inner=VersionSpace()), 0.4, 100, "one query takes"),
    ],
)
def test_where_it_cannot_work_it_says_why(
    attack: MajorityVote, rho: float | None, budget: int | None, reason: str
) -> None:
    target = halfspace(unit(3, 0))
    defended = Unknown(target) if rho is None else noisy(target, rho=rho)
    with pytest.raises(mex.Incompatible, match=reason):
        attack.learner(mex.Oracle(defended, budget=budget).knowledge(), np.random.default_rng(0))


def test_an_inner_attack_that_cannot_work_there_is_incompatible(iris: mex.Dataset, registry: mex.Registry) -> None:
    target = registry.build("model", "decision-tree").fit(
        iris, mex.dataset.Rows(iris.X, iris.y), np.random.default_rng(0)
    )
    with pytest.raises(mex.Incompatible, match="the inner attack works on"):
        MajorityVote(inner=VersionSpace(), q=5).learner(mex.Oracle(target).knowledge(), np.random.default_rng(0))


def test_a_registry_builds_the_inner_attack_and_writes_it_into_the_record(given: Callable[..., mex.Registry]) -> None:
    registry = given(attack={"vote": MajorityVote})
    assert isinstance(registry.build("attack", "vote").inner, VersionSpace)
    resolved = registry.resolve("attack", "vote:inner={use='passive', batch=5}")
    assert {"use": "passive", "sampler": "pool", "batch": 5}.items() <= resolved.params["inner"].items()
    assert registry.resolve("attack", resolved) == resolved
    assert registry.resolve("attack", "vote").params["inner"]["use"] == "version-space"
    with pytest.raises(mex.UsageError, match="no attack named 'passve'"):
        registry.build("attack", "vote:inner=passve")


def test_the_registry_resolves_the_inner_attack_and_a_bare_name_is_refused(registry: mex.Registry) -> None:
    assert registry.build("attack", "majority-vote") == MajorityVote(inner=VersionSpace())
    with pytest.raises(mex.Incompatible, match="let a registry build it"):
        steal(MajorityVote(), halfspace(unit(3, 0)), budget=60)
