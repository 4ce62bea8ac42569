"""Refused queries: charged, masked, asked again, and a wall in the end."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

import mex
from mex.extraction import PATIENCE
from mex.target import refusals
from mex.testing.examples import example_target
from mex.types import Answer, Array, BoolArray, FloatArray


class Throttle(mex.Defended):
    """Answers every k-th row of a client, and none after the last."""

    def __init__(self, target: mex.Target, every: int, last: float = np.inf) -> None:
        super().__init__(target)
        self.every, self.last, self.seen = every, last, 0

    def admit(self, X: FloatArray) -> BoolArray:
        number = self.seen + 1 + np.arange(len(X))
        self.seen += len(X)
        return (number % self.every == 0) & (number <= self.last)

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        return self._target.answer(X, kind)


class Asking:
    """A learner that asks the same rows n times and keeps what it is told."""

    def __init__(self, X: FloatArray, times: int = 1, **declared: Any) -> None:
        self.X, self.times, self.told = X, times, []
        vars(self).update(declared)

    def ask(self) -> FloatArray | None:
        return self.X if len(self.told) < self.times else None

    def tell(self, X: FloatArray, answers: Array) -> None:
        assert len(X) == len(answers)
        self.told.append(answers)

    def hypothesis(self) -> Any:
        return mex.halfspace(np.ones(4))


X = np.random.default_rng(0).uniform(-1, 1, (6, 4))


@pytest.mark.parametrize("kind", ["label", "proba"])
def test_a_refused_row_is_charged_and_its_answer_masked(kind: Answer) -> None:
    target = example_target()
    oracle = mex.Oracle(Throttle(target, 2), answers=kind)
    answers = oracle.ask(X)
    assert refusals(answers).tolist() == [True, False] * 3
    assert np.array_equal(answers[1::2], target.answer(X[1::2], kind))
    assert (oracle.queries, oracle.refused, oracle.refused_in_a_row) == (6, 3, 0)
    assert refusals(oracle.transcript.answers).tolist() == [True, False] * 3


def leaves(iris: mex.Dataset) -> mex.FittedTarget:
    tree = DecisionTreeClassifier(random_state=0).fit(iris.X, iris.y)
    return mex.FittedTarget.wrap(tree, domain=iris.domain, answers=("label", "leaf"))


def test_a_refused_leaf_shows_neither_its_id_nor_its_label(iris: mex.Dataset) -> None:
    target = leaves(iris)
    oracle = mex.Oracle(Throttle(target, 5), answers="leaf")
    first, second = oracle.ask(iris.X[:4]), oracle.ask(iris.X[4:10])
    assert refusals(first).all()
    assert refusals(second).tolist() == [False, True, True, True, True, False]
    kept = oracle.transcript.answers
    assert refusals(kept).tolist() == ([True] * 4 + [False]) * 2
    assert np.ma.getdata(kept[4::5])["leaf"].tolist() == target.answer(iris.X[4:10:5], "leaf").tolist()
    assert not np.ma.getdata(kept)["leaf"][:4].any()


@pytest.mark.parametrize("every", [2, 7])
def test_a_learner_of_leaves_is_told_every_answer_by_asking_again(every: int, iris: mex.Dataset) -> None:
    target = leaves(iris)
    learner = Asking(iris.X[::25])
    got = mex.extract(mex.Oracle(Throttle(target, every), answers="leaf"), learner)
    assert got.stopped == "done"
    assert learner.told[0]["leaf"].tolist() == target.answer(iris.X[::25], "leaf").tolist()
    assert learner.told[0]["label"].tolist() == target.answer(iris.X[::25], "label").tolist()


def test_a_batch_refused_as_a_whole_never_reaches_the_target() -> None:
    class Silent(mex.Defended):
        def admit(self, X: FloatArray) -> BoolArray:
            return np.zeros(len(X), dtype=bool)

        def answer(self, X: FloatArray, kind: Answer) -> Array:
            raise AssertionError("nothing was admitted")

    oracle = mex.Oracle(Silent(example_target()))
    assert refusals(oracle.ask(X)).all()
    assert oracle.refused_in_a_row == 6


@pytest.mark.parametrize("every", [2, 3, 7])
def test_a_learner_that_knows_nothing_of_refusals_is_told_every_answer(every: int) -> None:
    target = example_target()
    oracle = mex.Oracle(Throttle(target, every))
    learner = Asking(X, times=2)
    got = mex.extract(oracle, learner)
    assert all(np.array_equal(told, target.answer(X, "label")) for told in learner.told)
    assert not any(isinstance(told, np.ma.MaskedArray) for told in learner.told)
    assert got.stopped == "done"
    assert got.queries - got.refused == 12
    assert got.queries == pytest.approx(12 * every, abs=12)


def test_a_client_that_is_shut_out_stops_after_a_while_with_what_it_has() -> None:
    target = example_target()
    learner = Asking(X, times=100)
    got = mex.extract(mex.Oracle(Throttle(target, 1, last=9)), learner)
    assert got.stopped == "refused"
    assert [len(told) for told in learner.told] == [6, 3]
    assert got.queries == 12 + PATIENCE
    assert got.refused == 3 + PATIENCE


def test_the_budget_ends_the_asking_again() -> None:
    learner = Asking(X, times=100)
    got = mex.extract(mex.Oracle(Throttle(example_target(), 3), budget=20), learner)
    assert (got.stopped, got.queries) == ("budget", 20)
    assert sum(map(len, learner.told)) == 6


def test_a_learner_that_takes_refusals_sees_them_and_still_ends() -> None:
    learner = Asking(X, times=1000, takes_refusals=True)
    got = mex.extract(mex.Oracle(Throttle(example_target(), 2, last=60)), learner)
    assert refusals(learner.told[0]).tolist() == [True, False] * 3
    assert got.stopped == "refused"
    assert 60 + PATIENCE <= got.queries < 60 + PATIENCE + 6


def test_what_admits_by_something_else_than_booleans_is_told_so() -> None:
    class Odd(Throttle):
        def admit(self, X: FloatArray) -> Any:
            return np.ones(len(X))

    with pytest.raises(mex.AnswerError, match="admitted"):
        mex.Oracle(Odd(example_target(), 1)).ask(X)
