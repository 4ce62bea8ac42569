"""Bounded noise, held to the paper's definition: wrong with probability rho, whatever the row."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, chisquare
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeClassifier

import mex
from mex import Defended, FittedTarget
from mex.dataset import Rows
from mex.defense import twin
from mex.oracle import Oracle
from mex.target import Target
from mex.testing import check_defense
from mex.toolkit.estimators import constant
from mex.types import Answer, Array, FloatArray

NO_ROWS = Rows(np.empty((0, 2)), np.empty(0))
N = 20_000
CONFIDENT = 0.999999
"""Of an interval: a right defense fails once in a million seeds, and the seeds are fixed."""


def bands(k: int, names: list[str] | None = None) -> FittedTarget:
    """Classes 0 … k-1 in bands of the first feature of the unit square."""
    X = np.linspace(0, 1, 50 * k)[:, None] * [1, 0]
    y = np.repeat(np.array(names) if names else np.arange(k), 50)
    tree = DecisionTreeClassifier(random_state=0).fit(X, y)
    return FittedTarget.wrap(tree, domain=mex.Domain([0, 0], [1, 1]))


@pytest.fixture
def protect(registry: mex.Registry) -> Callable[..., Target]:
    def build(target: Target, seed: int = 0, spec: str = "", **params: float | bool) -> Target:
        defense = registry.build("defense", spec or {"use": "bounded-noise", **params})
        defended: Target = defense.protect(target, NO_ROWS, np.random.default_rng(seed))
        return defended

    return build


def unit_square(n: int = N, seed: int = 1) -> FloatArray:
    return np.random.default_rng(seed).random((n, 2))


@pytest.mark.parametrize("sticky", [False, True])
@pytest.mark.parametrize("rho", [0.01, 0.1, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("k", [2, 5])
def test_a_label_is_wrong_with_probability_rho(
    protect: Callable[..., Target], k: int, rho: float, sticky: bool
) -> None:
    target, X = bands(k), unit_square()
    wrong = protect(target, rho=rho, sticky=sticky).answer(X, "label") != target.answer(X, "label")
    interval = binomtest(int(wrong.sum()), N).proportion_ci(CONFIDENT)
    assert interval.low <= rho <= interval.high


@pytest.mark.parametrize("sticky", [False, True])
def test_the_noise_does_not_depend_on_the_row(protect: Callable[..., Target], sticky: bool) -> None:
    target, X = bands(4), unit_square()
    truth = target.answer(X, "label")
    wrong = protect(target, rho=0.2, sticky=sticky).answer(X, "label") != truth
    for label in range(4):
        interval = binomtest(int(wrong[truth == label].sum()), int((truth == label).sum())).proportion_ci(CONFIDENT)
        assert interval.low <= 0.2 <= interval.high


@pytest.mark.parametrize("sticky", [False, True])
@pytest.mark.parametrize("rho", [0.3, 1.0])
def test_every_wrong_class_is_as_likely(protect: Callable[..., Target], rho: float, sticky: bool) -> None:
    target, X = bands(5), unit_square()
    truth = target.answer(X, "label")
    answers = protect(target, rho=rho, sticky=sticky).answer(X, "label")
    for label in range(5):
        others = answers[(truth == label) & (answers != label)]
        counts = [int((others == other).sum()) for other in range(5) if other != label]
        assert chisquare(counts).pvalue > 1e-6, counts


def test_the_labels_are_those_of_the_target_whatever_they_are(protect: Callable[..., Target]) -> None:
    target, X = bands(3, ["ham", "eggs", "spam"]), unit_square(500)
    answers = protect(target, rho=1).answer(X, "label")
    assert set(answers) == {"ham", "eggs", "spam"}
    assert not (answers == target.answer(X, "label")).any()


@pytest.mark.parametrize("sticky", [False, True])
def test_rho_0_changes_nothing_and_rho_1_everything(protect: Callable[..., Target], sticky: bool) -> None:
    target, X = bands(2), unit_square(2000)
    truth = target.answer(X, "label")
    assert np.array_equal(protect(target, rho=0, sticky=sticky).answer(X, "label"), truth)
    assert np.array_equal(protect(target, rho=1, sticky=sticky).answer(X, "label"), 1 - truth)


@pytest.mark.parametrize("spec", ["bounded-noise:rho=0.4", "bounded-noise:rho=0.4,sticky=true", "bounded-noise + none"])
def test_a_batch_is_answered_as_its_rows_one_by_one(protect: Callable[..., Target], spec: str) -> None:
    X = unit_square(300)
    batch, single, halves = (protect(bands(3), 5, spec=spec) for _ in range(3))
    answers = batch.answer(X, "label")
    assert np.array_equal(answers, np.concatenate([single.answer(row[None], "label") for row in X]))
    assert np.array_equal(answers, np.concatenate([halves.answer(part, "label") for part in np.array_split(X, 7)]))


def test_fresh_noise_is_fresh_for_every_query(protect: Callable[..., Target]) -> None:
    defended = protect(bands(2), rho=0.3)
    first, again = (defended.answer(unit_square(2000), "label") for _ in range(2))
    both = binomtest(int((first != again).sum()), 2000).proportion_ci(CONFIDENT)
    assert both.low <= 2 * 0.3 * 0.7 <= both.high
    assert np.mean(defended.answer(np.full((999, 2), 0.1), "label")) < 0.5, "the majority of one row is right"


def test_a_sticky_row_has_one_answer_for_ever(protect: Callable[..., Target]) -> None:
    defended, X = protect(bands(3), rho=0.5, sticky=True), unit_square(500)
    answers = defended.answer(X, "label")
    order = np.random.default_rng(0).permutation(500)
    assert np.array_equal(defended.answer(X[order], "label"), answers[order]), "in any order and company"
    assert len(np.unique(defended.answer(np.repeat(X[:1], 99, axis=0), "label"))) == 1


@pytest.mark.parametrize(
    "written",
    [
        lambda X: np.where(X == 0, -0.0, X),
        np.asfortranarray,
        lambda X: np.repeat(X, 2, axis=0)[::2],
        lambda X: X.astype(">f8"),
    ],
    ids=["negative zeros", "by columns", "every second row", "big-endian"],
)
def test_a_sticky_row_is_its_values_and_not_its_bytes(
    protect: Callable[..., Target], written: Callable[[FloatArray], FloatArray]
) -> None:
    defended, X = protect(bands(3), rho=0.5, sticky=True), unit_square(300)
    X[::2, 1] = 0.0
    assert np.array_equal(defended.answer(written(X), "label"), defended.answer(X, "label"))


def test_a_sticky_row_tells_nothing_of_its_neighbours(protect: Callable[..., Target]) -> None:
    target, X = bands(2), unit_square(4000)
    defended = protect(target, rho=0.5, sticky=True)
    near = np.nextafter(X, 2)
    assert np.array_equal(target.answer(X, "label"), target.answer(near, "label"))
    same = binomtest(int((defended.answer(X, "label") == defended.answer(near, "label")).sum()), 4000)
    assert same.proportion_ci(CONFIDENT).low <= 0.5 <= same.proportion_ci(CONFIDENT).high


def test_another_seed_is_another_secret_and_the_same_seed_the_same(protect: Callable[..., Target]) -> None:
    X = unit_square(2000)
    for sticky in (False, True):
        one, same, other = (protect(bands(2), s, rho=0.3, sticky=sticky).answer(X, "label") for s in (0, 0, 1))
        assert np.array_equal(one, same)
        assert 0.3 < np.mean(one != other) < 0.55


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rho=st.floats(0, 1), k=st.integers(2, 6), sticky=st.booleans(), seed=st.integers(0, 1000))
def test_whatever_rho_is_the_answers_are_labels(
    protect: Callable[..., Target], rho: float, k: int, sticky: bool, seed: int
) -> None:
    defended = protect(bands(k), seed, rho=rho, sticky=sticky)
    assert set(Oracle(defended).ask(unit_square(200, seed))) <= set(range(k))
    assert defended.rho == pytest.approx(rho)


def test_only_labels_are_offered(protect: Callable[..., Target]) -> None:
    target = bands(3)
    assert target.answers == ("label", "proba")
    defended = protect(target)
    assert defended.answers == ("label",)
    with pytest.raises(mex.Incompatible, match="gives label answers, not proba"):
        Oracle(defended, answers="proba")
    assert (defended.domain, defended.family) == (target.domain, target.family)


def test_what_has_no_labels_is_refused(protect: Callable[..., Target]) -> None:
    regressor = FittedTarget.wrap(LinearRegression().fit(np.eye(2), [0, 1]))
    with pytest.raises(mex.Incompatible, match="changes labels, and a regressor has none"):
        protect(regressor)

    class Probabilities(Defended):
        answers: tuple[Answer, ...] = ("proba",)

        def answer(self, X: FloatArray, kind: Answer) -> Array:
            return np.full((len(X), 2), 0.5)

    with pytest.raises(mex.Incompatible, match="changes labels, and this interface gives proba"):
        protect(Probabilities(bands(2)))


@pytest.mark.parametrize("rho", [0.0, 0.1, 1.0])
def test_rho_is_declared(protect: Callable[..., Target], rho: float) -> None:
    assert Oracle(protect(bands(2), rho=rho)).knowledge().rho == pytest.approx(rho)


def test_nested_noise_declares_a_bound_that_holds(protect: Callable[..., Target]) -> None:
    target, X = bands(2), unit_square()
    defended = protect(target, spec="bounded-noise:rho=0.2 + bounded-noise:rho=0.1,sticky=true")
    wrong = float(np.mean(defended.answer(X, "label") != target.answer(X, "label")))
    assert wrong == pytest.approx(0.2 * 0.9 + 0.8 * 0.1, abs=0.02), "two flips of two classes undo each other"
    assert defended.rho == pytest.approx(0.2 * 0.9 + 0.8 * 0.1)
    assert defended.rho is not None
    assert wrong <= defended.rho + 0.02


def test_what_is_unknown_behind_it_stays_unknown(protect: Callable[..., Target]) -> None:
    class Undeclared(Defended):
        def answer(self, X: FloatArray, kind: Answer) -> Array:
            return self._target.answer(X, kind)

    assert protect(Undeclared(bands(2))).rho is None


def test_honest_users_do_not_disturb_the_attacker(protect: Callable[..., Target]) -> None:
    for sticky in (False, True):
        asked, quiet = (protect(bands(2), 3, rho=0.4, sticky=sticky) for _ in range(2))
        honest = twin(asked)
        X = unit_square(200)
        first = honest.answer(X, "label")
        assert np.array_equal(asked.answer(X, "label"), first)
        assert np.array_equal(quiet.answer(X, "label"), first)


def test_sticky_noise_conforms(registry: mex.Registry) -> None:
    check_defense(registry.build("defense", "bounded-noise:rho=0.2,sticky=true"))


def test_no_defense_is_the_target_itself(protect: Callable[..., Target]) -> None:
    target = FittedTarget.wrap(constant(1, 2))
    assert protect(target, spec="none") is target
