"""The attack ``version-space``: its ellipsoids are the largest, and its queries are few."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from toys import plane

from mex import Domain, Extraction, Family, FittedTarget, Incompatible, Oracle, extract, halfspace
from mex.types import Array, FloatArray
from mex_version_space import ellipsoid, program
from mex_version_space.attack import VersionSpace
from mex_version_space.ellipsoid import Ellipsoid, inscribe

SHAPES = pytest.mark.parametrize("shape", ["diagonal", "full"])


def unit(d: int, seed: int) -> FloatArray:
    w = np.random.default_rng(seed).standard_normal(d)
    return w / np.linalg.norm(w)


def target_of(w: FloatArray, **changes: Any) -> FittedTarget:
    target = FittedTarget(
        estimator=plane(w),
        domain=Domain.reals(len(w)),
        family=Family("linear", {"intercept": False}),
        classes=np.array([-1, 1]),
        answers=("label",),
    )
    return attrs.evolve(target, **changes)


def steal(attack: VersionSpace, target: FittedTarget, budget: int | None = None, seed: int = 0) -> Extraction:
    """What was asked and said, with the attack's own hypothesis and its queries without those of its check."""
    oracle = Oracle(target, budget=budget)
    learner = attack.learner(oracle.knowledge(), np.random.default_rng(seed))
    stolen = extract(oracle, learner, snapshots=False)
    return attrs.evolve(stolen, queries=stolen.queries - learner.checked, hypothesis=learner.inner.hypothesis())


def error(stolen: Extraction, w: FloatArray) -> float:
    return float(np.linalg.norm(stolen.hypothesis.coef_[0] - w))


class Contrary:
    """Answers what it is given, whatever the rows."""

    def __init__(self, answers: Iterator[int]) -> None:
        self._answers = answers

    def predict(self, X: FloatArray) -> Array:
        return np.array([next(self._answers) for _ in X])


# The solver


def random_cone(d: int, m: int, seed: int) -> tuple[FloatArray, Ellipsoid]:
    """Halfspaces around a unit vector, some of them far from it, and a ball in all of them."""
    rng = np.random.default_rng(seed)
    centre, A = unit(d, seed), rng.standard_normal((m, d))
    A /= np.linalg.norm(A, axis=1)[:, None]
    A *= np.where(A @ centre > 0, 1, -1)[:, None]
    return A, Ellipsoid(centre, np.full(d, 0.5 * np.min(A @ centre)), np.zeros(m))


def largest_by_scipy(A: FloatArray, guess: Ellipsoid, diagonal: bool) -> tuple[FloatArray, float]:
    """Centre and log det S of the program as the authors write it, S being any lower triangle if not diagonal."""
    d = A.shape[1]
    at = np.diag_indices(d) if diagonal else np.tril_indices(d)
    on_diagonal = d + np.flatnonzero(at[0] == at[1])

    def slack(p: FloatArray) -> FloatArray:
        S = np.zeros((d, d))
        S[at] = p[d:]
        return np.append(A @ p[:d] - np.linalg.norm(A @ S, axis=1), 1 - p[:d] @ p[:d])

    def volume(p: FloatArray) -> float:
        return -float(np.sum(np.log(p[on_diagonal])))

    start = np.concatenate([0.9 * guess.centre, np.diag(0.8 * guess.root)[at]])
    bounds = [(1e-6 if i in on_diagonal else None, None) for i in range(len(start))]
    options = {"maxiter": 2000, "ftol": 1e-14}
    best = minimize(volume, start, bounds=bounds, constraints={"type": "ineq", "fun": slack}, options=options)
    return best.x[:d], -best.fun


@SHAPES
@pytest.mark.parametrize(("d", "m"), [(2, 5), (3, 12), (4, 20)])
def test_the_ellipsoid_is_the_one_that_scipy_finds_largest(shape: str, d: int, m: int) -> None:
    A, guess = random_cone(d, m, seed=d)
    found = inscribe(A, guess, diagonal=shape == "diagonal", tolerance=1e-9)
    assert found is not None
    centre, log_volume = largest_by_scipy(A, guess, shape == "diagonal")
    root = np.diag(found.root) if shape == "diagonal" else found.root
    assert np.linalg.slogdet(root)[1] == pytest.approx(log_volume, abs=1e-6)
    assert found.centre == pytest.approx(centre, abs=1e-4)


@SHAPES
def test_the_ellipsoid_lies_in_every_halfspace_and_touches_some(shape: str) -> None:
    A, guess = random_cone(10, 200, seed=1)
    found = inscribe(A, guess, diagonal=shape == "diagonal", tolerance=1e-8)
    assert found is not None
    room = A @ found.centre / found.half_widths(A)
    assert room.min() == pytest.approx(1, abs=1e-6)
    binds = found.multipliers * found.half_widths(A) ** 2 > 1e-3
    assert room[binds] == pytest.approx(1, abs=1e-4)
    assert found.multipliers @ found.half_widths(A) ** 2 == pytest.approx(10)  # the trace of S^-2 S^2


@SHAPES
def test_leaving_far_halfspaces_out_changes_nothing(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    A, guess = random_cone(6, 150, seed=2)
    roots = []
    for near in (np.inf, 1.5, ellipsoid.NEAR):
        monkeypatch.setattr(ellipsoid, "NEAR", near)
        found = inscribe(A, guess, diagonal=shape == "diagonal", tolerance=1e-9)
        assert found is not None
        roots.append(found.half_widths(A))
    assert roots[1] == pytest.approx(roots[0], rel=1e-5)
    assert roots[2] == pytest.approx(roots[0], rel=1e-5)


@SHAPES
@pytest.mark.parametrize("k", [1, 3])
def test_the_guess_after_a_cut_lies_in_the_cone(shape: str, k: int) -> None:
    A, guess = random_cone(6, 60, seed=3)
    found = inscribe(A, guess, diagonal=shape == "diagonal", tolerance=1e-9)
    assert found is not None
    cuts = found.tangent_axes()[:k]
    assert cuts @ found.centre == pytest.approx(np.zeros(k), abs=1e-12)
    after = found.cut(cuts)
    assert np.linalg.norm(after.centre) == pytest.approx(1)
    assert np.all(np.vstack([A, cuts]) @ after.centre >= 0.999999 * after.half_widths(np.vstack([A, cuts])))


def test_too_few_halfspaces_bound_no_full_ellipsoid() -> None:
    A = np.eye(3)[:2]
    assert inscribe(A, Ellipsoid.touching(A), diagonal=False) is None


# The attack


@SHAPES
def test_a_thousandth_takes_about_300_queries_in_30_dimensions(shape: str) -> None:
    w = unit(30, 0)
    stolen = steal(VersionSpace(ellipsoid=shape), target_of(w), budget=340)
    assert (stolen.queries, stolen.stopped) == (330, "budget")
    assert 1e-4 < error(stolen, w) < 1e-3  # 330 answers do not hold more


@SHAPES
@pytest.mark.parametrize("d", [1, 2, 3])
def test_without_a_budget_it_ends_where_float64_does(shape: str, d: int) -> None:
    w = unit(d, 5)
    stolen = steal(VersionSpace(ellipsoid=shape), target_of(w))
    assert stolen.stopped == "done"
    assert error(stolen, w) < 1e-11
    assert stolen.queries <= 1 if d == 1 else stolen.queries < 45 * (d - 1)


@SHAPES
@pytest.mark.parametrize("w", [np.eye(4)[0], -np.eye(4)[2], np.full(4, 0.5), np.array([0.6, 0.0, -0.8, 0.0])])
def test_a_target_along_the_axes_is_as_easy(shape: str, w: FloatArray) -> None:
    assert error(steal(VersionSpace(ellipsoid=shape), target_of(w), budget=80), w) < 1e-4


@SHAPES
@pytest.mark.parametrize(("batch", "rows"), [(3, 3), (20, 7)])
def test_a_batch_costs_few_more_queries_and_far_fewer_rounds(shape: str, batch: int, rows: int) -> None:
    w = unit(8, 1)
    oracle = Oracle(target_of(w), budget=130)
    learner = VersionSpace(ellipsoid=shape, batch=batch).learner(oracle.knowledge(), np.random.default_rng(0))
    first = learner.ask()
    assert first is not None
    assert first @ first.T == pytest.approx(np.eye(8 if shape == "full" else min(batch, 8)))
    learner.tell(first, oracle.ask(first))
    asked = learner.ask()
    assert asked is not None
    assert asked @ asked.T == pytest.approx(np.eye(rows))
    assert asked @ learner.inner.hypothesis().coef_[0] == pytest.approx(np.zeros(rows), abs=1e-12)
    assert error(extract(oracle, learner, snapshots=False), w) < 2e-4


def test_stable_ends_where_table_5_does() -> None:
    stolen = [(w, steal(VersionSpace(stop="stable"), target_of(w), seed=s)) for s in range(6) for w in [unit(13, s)]]
    assert {s.stopped for _, s in stolen} == {"done"}
    assert np.mean([s.queries for _, s in stolen]) == pytest.approx(120, rel=0.15)
    assert np.mean([error(s, w) for w, s in stolen]) == pytest.approx(0.0016, rel=0.6)


def test_more_rounds_or_less_tolerance_take_stable_further() -> None:
    target = target_of(unit(6, 0))
    few, many, strict = (
        steal(VersionSpace(stop="stable", **more), target).queries
        for more in ({"rounds": 3}, {"rounds": 12}, {"tolerance": 1e-5})
    )
    assert few + 9 <= many < strict


@pytest.mark.parametrize(("shape", "eps"), [("diagonal", 1e-2), ("full", 1e-5)])
def test_size_ends_at_the_error_asked_for(shape: str, eps: float) -> None:
    errors = []
    for seed in range(6):
        w = unit(5, seed)
        stolen = steal(VersionSpace(ellipsoid=shape, stop="size", eps=eps), target_of(w), seed=seed)
        assert stolen.stopped == "done"
        errors.append(error(stolen, w))
    assert np.sum(np.array(errors) <= eps) >= 5
    assert np.median(errors) > eps / 5  # and not long after


@SHAPES
@settings(max_examples=4, deadline=None)
@given(answers=st.lists(st.booleans(), min_size=8, max_size=8), batch=st.integers(1, 4))
def test_no_answers_break_it(shape: str, answers: list[bool], batch: int) -> None:
    contrary = Contrary(itertools.cycle(1 if positive else -1 for positive in answers))
    stolen = steal(VersionSpace(ellipsoid=shape, batch=batch), target_of(unit(3, 0), estimator=contrary))
    assert stolen.stopped == "done"
    assert np.linalg.norm(stolen.hypothesis.coef_[0]) == pytest.approx(1)


@SHAPES
def test_random_answers_end_with_a_hypothesis(shape: str) -> None:
    coins = iter(np.random.default_rng(0).choice([-1, 1], size=1000))
    noisy = target_of(unit(6, 0), estimator=Contrary(coins), rho=0.5)
    stolen = steal(VersionSpace(ellipsoid=shape), noisy)
    assert stolen.stopped == "done"
    assert set(stolen.hypothesis.predict(np.eye(6))) <= {-1, 1}
    assert stolen.note == "version-space assumes answers without noise, while up to 50% of them may be wrong"


@SHAPES
def test_a_solver_that_gives_up_ends_the_attack_soon(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "MAX_STEPS", 0)
    w = unit(4, 0)
    stolen = steal(VersionSpace(ellipsoid=shape), target_of(w))
    assert (stolen.stopped, stolen.queries < 60) == ("done", True)
    assert "of its own check" in stolen.note


def test_the_note_is_for_noise_only() -> None:
    w = unit(2, 0)
    assert steal(VersionSpace(), target_of(w), budget=8).note == ""
    assert "unknown share" in steal(VersionSpace(), target_of(w, rho=None), budget=3).note


def test_the_same_seed_asks_the_same() -> None:
    first, again, other = (steal(VersionSpace(), target_of(unit(5, 0)), budget=40, seed=s) for s in (1, 1, 2))
    assert np.array_equal(first.transcript.X, again.transcript.X)
    assert not np.array_equal(first.transcript.X, other.transcript.X)


@SHAPES
def test_it_has_a_hypothesis_at_any_time(shape: str) -> None:
    oracle = Oracle(target_of(unit(4, 0)))
    learner = VersionSpace(ellipsoid=shape).learner(oracle.knowledge(), np.random.default_rng(0))
    assert np.array_equal(learner.hypothesis().predict(np.eye(4)), [-1, -1, -1, -1])
    X = learner.ask()
    assert X is not None
    learner.tell(X[:1], oracle.ask(X[:1]))  # as when the budget cuts the first round
    assert np.array_equal(learner.hypothesis().predict(X[:1]), oracle.ask(X[:1]))


def test_the_second_class_is_the_positive_one() -> None:
    w = unit(4, 0)
    named = target_of(w, estimator=halfspace(w, classes=np.array(["no", "yes"])), classes=np.array(["no", "yes"]))
    stolen = steal(VersionSpace(), named, budget=60)
    assert error(stolen, w) < 1e-3
    assert np.array_equal(stolen.hypothesis.predict([w, -w]), ["yes", "no"])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"family": Family("kernel", {"intercept": False})}, "linear models"),
        ({"domain": Domain([0, 0], [3, 3], integer=[True, True])}, "few numbers"),
        ({"classes": np.array([0, 1, 2])}, "binary"),
        ({"classes": None}, "binary"),
    ],
)
def test_what_it_cannot_attack_it_says(changes: dict[str, Any], reason: str) -> None:
    known = Oracle(target_of(unit(2, 0), **changes)).knowledge()

    def start() -> None:
        VersionSpace.scope.check("version-space", known)
        VersionSpace().learner(known, np.random.default_rng(0))

    with pytest.raises(Incompatible, match=reason):
        start()
