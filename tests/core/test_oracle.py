"""The oracle is the only door to a target: it refuses, counts, charges and stops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import mex
from mex.oracle import PRICE_PER_QUERY
from mex.types import Answer, Array, FloatArray

D = 4


class Server(mex.Target):
    """A target that keeps what it was sent; by default it answers whether a row sums to more than 1."""

    domain = mex.Domain([0, 0, 0, 0], [9, 1, 1, 5], integer=[0, 0, 0, 1], groups=[(1, 2)], names="abcd")
    classes: Array | None = np.array([0, 1])
    answers: tuple[Answer, ...] = ("label",)
    family = mex.Family("any")
    rho: float | None = 0.0

    def __init__(self) -> None:
        self.seen: list[FloatArray] = []

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        self.seen.append(X)
        return np.where(X.sum(axis=1) > 1, 1, 0)


GOOD = np.array([[1.5, 0.0, 1.0, 3.0], [9.0, 1.0, 0.0, 0.0]])


def with_row(i: int, value: float) -> FloatArray:
    X = np.repeat(GOOD, 2, axis=0)
    X[2, i] = value
    return X


def one_sentence(error: pytest.ExceptionInfo[BaseException]) -> bool:
    text = str(error.value)
    return bool(text) and "\n" not in text and not text.endswith(".")


REFUSED: dict[str, tuple[Any, str]] = {
    "NaN": (with_row(0, np.nan), "row 2: 'a' is nan, not a finite number"),
    "infinity": (with_row(3, np.inf), "row 2: 'd' is inf"),
    "minus infinity": (with_row(1, -np.inf), "row 2: 'b' is -inf"),
    "one row as a vector": (GOOD[0], r"rows of 4 features, shape \(n, 4\), not \(4,\)"),
    "three axes": (GOOD[None], r"not \(1, 2, 4\)"),
    "a number": (3.0, r"not \(\)"),
    "too narrow": (GOOD[:, :3], r"not \(2, 3\)"),
    "too wide": (np.hstack([GOOD, GOOD]), r"not \(2, 8\)"),
    "no rows": (np.empty((0, D)), "at least one row"),
    "an empty list": ([], "rows of 4 features"),
    "text": ("abcd", "array of numbers"),
    "text that reads like numbers": (GOOD.astype(str), "array of numbers"),
    "objects": (np.array([[1, None, 0, 1]], dtype=object), "array of numbers"),
    "numbers as objects": (GOOD.astype(object), "array of numbers"),
    "complex numbers": (GOOD.astype(complex), "array of numbers"),
    "dates": (np.zeros((1, D), dtype="datetime64[s]"), "array of numbers"),
    "nothing": (None, "array of numbers"),
    "a dictionary": ({"a": 1}, "array of numbers"),
    "ragged rows": ([[1, 0, 1, 3], [1, 0]], "array of numbers"),
    "a number too large for a float": ([[10**400, 0, 1, 3]], "array of numbers"),
    "below a bound": (with_row(0, -0.5), "row 2: 'a' is -0.5, outside 0 to 9"),
    "above a bound": (with_row(0, 9.001), "row 2: 'a' is 9.001, outside 0 to 9"),
    "a fraction of an integer": (with_row(3, 2.5), "row 2: 'd' takes whole numbers, not 2.5"),
    "two of a group": ([[1, 1, 1, 1]], "row 0: exactly one of 'b', 'c' must be 1"),
    "none of a group": ([[1, 0, 0, 1]], "exactly one of 'b', 'c'"),
    "halves of a group": ([[1, 0.5, 0.5, 1]], "exactly one of 'b', 'c'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_batch_with_a_bad_row_is_refused_as_a_whole_and_free(case: str) -> None:
    X, sentence = REFUSED[case]
    server = Server()
    oracle = mex.Oracle(server, budget=10)
    before = oracle.ask(GOOD)
    with pytest.raises(mex.QueryError, match=sentence) as error:
        oracle.ask(X)
    assert one_sentence(error)
    assert (oracle.queries, oracle.remaining, oracle.price_usd) == (2, 8, 2 * PRICE_PER_QUERY)
    assert len(server.seen) == 1, "the target must not see a row that is refused"
    assert np.array_equal(oracle.transcript.X, GOOD)
    assert np.array_equal(oracle.transcript.answers, before)


@pytest.mark.parametrize("case", ["NaN", "no rows", "too wide"])
def test_a_bad_row_is_refused_when_the_budget_is_spent_as_well(case: str) -> None:
    oracle = mex.Oracle(Server(), budget=2)
    oracle.ask(GOOD)
    with pytest.raises(mex.QueryError):
        oracle.ask(REFUSED[case][0])


anything = st.one_of(
    npst.arrays(
        st.sampled_from([np.float64, np.float32, np.int64, np.uint8, np.bool_]),
        npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5),
    ),
    npst.arrays(np.float64, st.tuples(st.integers(0, 5), st.just(D)), elements=st.sampled_from([0, 1, 2, 5, 0.5])),
    npst.arrays(np.object_, npst.array_shapes(max_dims=2, max_side=4), elements=st.none() | st.text(max_size=2)),
    st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=3), st.lists, max_leaves=12),
)


@settings(max_examples=150)
@given(batches=st.lists(anything, max_size=4))
def test_whatever_is_sent_the_answers_are_right_or_nothing_happens(batches: list[Any]) -> None:
    server = Server()
    oracle = mex.Oracle(server, budget=6)
    for X in batches:
        before = oracle.queries, len(oracle.transcript), len(server.seen)
        try:
            answers = oracle.ask(X)
        except mex.QueryError:
            assert before == (oracle.queries, len(oracle.transcript), len(server.seen))
        else:
            sent = np.asarray(X, dtype=float)
            assert sent.shape[1] == D
            assert Server.domain.objection(sent) is None
            assert np.array_equal(answers, sent.sum(axis=1)[: len(answers)] > 1)
    assert len(oracle.transcript) == oracle.queries == sum(map(len, server.seen)) <= 6


@given(
    budget=st.integers(1, 30), sizes=st.lists(st.integers(1, 20), max_size=12), price=st.sampled_from([0, 1e-4, 0.5])
)
def test_the_budget_is_a_wall_whatever_the_batches(budget: int, sizes: list[int], price: float) -> None:
    server = Server()
    oracle = mex.Oracle(server, budget=budget, price_per_query=price)
    got = []
    for size in sizes:
        left = oracle.remaining
        answers = oracle.ask(np.repeat(GOOD[:1], size, axis=0))
        assert left is not None
        assert len(answers) == min(size, left)
        got.append(len(answers))
    assert oracle.queries == sum(got) == min(budget, sum(sizes)) == sum(map(len, server.seen))
    assert oracle.remaining == budget - oracle.queries
    assert oracle.price_usd == pytest.approx(price * oracle.queries)


def test_an_ask_past_the_budget_is_answered_for_the_rows_before_the_cut() -> None:
    X = np.array([[5, 0, 1, 0], [0, 0, 1, 0], [5, 0, 1, 0], [0, 0, 1, 0]])
    oracle = mex.Oracle(Server(), budget=3)
    assert oracle.ask(X).tolist() == [1, 0, 1]
    assert len(oracle.ask(X)) == 0
    assert oracle.queries == len(oracle.transcript) == 3


def test_without_a_budget_there_is_no_wall() -> None:
    oracle = mex.Oracle(Server())
    oracle.ask(np.repeat(GOOD, 1000, axis=0))
    assert (oracle.queries, oracle.remaining) == (2000, None)


@pytest.mark.parametrize("budget", [0, -1, 1.5, "10", True, np.nan])
def test_a_budget_is_a_whole_number_above_zero(budget: Any) -> None:
    with pytest.raises(mex.UsageError, match="budget must be a whole number of at least 1, not"):
        mex.Oracle(Server(), budget=budget)


@pytest.mark.parametrize("price", [-1, np.nan, np.inf])
def test_a_price_is_a_number_of_at_least_zero(price: float) -> None:
    with pytest.raises(mex.UsageError, match="price per query must be a number of at least 0"):
        mex.Oracle(Server(), price_per_query=price)


def test_an_answer_the_interface_does_not_give_is_incompatible() -> None:
    with pytest.raises(mex.Incompatible, match="gives label answers, not proba"):
        mex.Oracle(Server(), answers="proba")


def test_rows_asked_twice_are_charged_twice_and_unique_once() -> None:
    oracle = mex.Oracle(Server())
    assert oracle.unique_queries == 0
    oracle.ask(GOOD)
    oracle.ask(GOOD[::-1])
    oracle.ask([[-0.0, 0, 1, 0], [0.0, 0, 1, 0]])  # the same row, however its zero is written
    assert (oracle.queries, oracle.unique_queries) == (6, 3)


@pytest.mark.parametrize("dtype", [np.float64, np.int64, np.float32])
def test_what_the_caller_does_to_its_array_later_is_not_in_the_transcript(dtype: type) -> None:
    X: Array = np.array([[1, 0, 1, 3], [2, 1, 0, 4]], dtype=dtype)
    oracle = mex.Oracle(Server())
    sent, answers = X.copy(), oracle.ask(X)
    kept = answers.copy()
    X[:] = 7
    answers[:] = 7
    assert np.array_equal(oracle.transcript.X, sent)
    assert np.array_equal(oracle.transcript.answers, kept)


def test_a_target_that_reuses_its_array_does_not_change_the_transcript() -> None:
    class Reusing(Server):
        buffer = np.zeros(2, dtype=int)

        def answer(self, X: FloatArray, kind: Answer) -> Array:
            self.buffer[:] = super().answer(X, kind)
            return self.buffer

    oracle = mex.Oracle(Reusing())
    oracle.ask([[0, 0, 1, 0], [0, 0, 1, 0]])
    oracle.ask([[9, 0, 1, 0], [9, 0, 1, 0]])
    assert oracle.transcript.answers.tolist() == [0, 0, 1, 1]


def test_knowledge_is_the_public_face_and_no_more() -> None:
    pool = GOOD.copy()
    known = mex.Oracle(Server(), budget=7).knowledge(pool=pool)
    assert (known.answers, known.budget, known.task, known.rho) == ("label", 7, "binary", 0.0)
    assert known.domain is Server.domain
    assert known.pool is not None
    assert np.shares_memory(known.pool, pool)


@pytest.mark.parametrize("usual", ["label", "value"])
def test_a_leaf_is_answered_with_what_the_interface_shows_beside_it(usual: Answer, iris: mex.Dataset) -> None:
    tree = (DecisionTreeClassifier if usual == "label" else DecisionTreeRegressor)(random_state=0).fit(iris.X, iris.y)
    oracle = mex.Oracle(mex.FittedTarget.wrap(tree, domain=iris.domain, answers=(usual, "leaf")), answers="leaf")
    answers = np.concatenate([oracle.ask(iris.X[:60]), oracle.ask(iris.X[60:])])
    assert np.array_equal(answers["leaf"], tree.apply(iris.X))
    assert np.array_equal(answers[usual], tree.predict(iris.X))
    assert np.array_equal(oracle.transcript.answers, answers)
    assert (oracle.queries, oracle.price_usd) == (150, 0.015), "one row, one price"


def test_leaves_of_a_forest_and_of_an_interface_that_shows_nothing_else_have_the_same_form(iris: mex.Dataset) -> None:
    forest = RandomForestClassifier(n_estimators=3, random_state=0).fit(iris.X, iris.y)
    both = mex.FittedTarget.wrap(forest, domain=iris.domain, answers=("label", "leaf"))
    answers = mex.Oracle(both, answers="leaf").ask(iris.X)
    assert np.array_equal(answers["leaf"], forest.apply(iris.X))
    assert np.array_equal(answers["label"], forest.predict(iris.X))
    alone = mex.Oracle(mex.FittedTarget.wrap(forest, domain=iris.domain, answers=("leaf",))).ask(iris.X)
    assert alone.dtype.names == ("leaf",)
    assert np.array_equal(alone["leaf"], answers["leaf"])


def test_what_is_shown_beside_a_leaf_is_the_defended_label(iris: mex.Dataset) -> None:
    class Turned(mex.Defended):
        def answer(self, X: FloatArray, kind: Answer) -> Array:
            answers = self._target.answer(X, kind)
            return 2 - answers if kind == "label" else answers

    tree = DecisionTreeClassifier(random_state=0).fit(iris.X, iris.y)
    target = mex.FittedTarget.wrap(tree, domain=iris.domain, answers=("label", "leaf"))
    answers = mex.Oracle(Turned(target), answers="leaf").ask(iris.X)
    assert np.array_equal(answers["label"], 2 - tree.predict(iris.X))


def test_a_label_beside_a_leaf_is_checked_as_any_label(iris: mex.Dataset) -> None:
    class Wrong(mex.Defended):
        def answer(self, X: FloatArray, kind: Answer) -> Array:
            return np.full(len(X), 7)

    tree = DecisionTreeClassifier(random_state=0).fit(iris.X, iris.y)
    oracle = mex.Oracle(
        Wrong(mex.FittedTarget.wrap(tree, domain=iris.domain, answers=("label", "leaf"))), answers="leaf"
    )
    with pytest.raises(mex.AnswerError, match="labels that are not among the classes"):
        oracle.ask(iris.X)
    assert (oracle.queries, len(oracle.transcript)) == (len(iris.X), 0)
