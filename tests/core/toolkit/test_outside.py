"""Attacks that call a model, as other libraries write them, are learners like others."""

from __future__ import annotations

import random
import threading
from typing import Any

import attrs
import numpy as np
import pytest

import mex
from mex.testing.examples import example_target
from mex.toolkit.outside import Ask, CallingThread, GlobalRandom
from mex.types import Array, FloatArray


class Calling:
    """A learner around a function that calls."""

    def __init__(self, function: Any) -> None:
        self.thread = CallingThread(function, np.random.default_rng(0))
        self.ask, self.tell, self.close = self.thread.ask, self.thread.tell, self.thread.close

    def hypothesis(self) -> Any:
        return mex.halfspace(np.ones(4), classes=np.array([0, 1]))


def batches(ask: Ask) -> None:
    """Ask five rows again and again, drawn from the global generator."""
    while True:
        ask(np.random.uniform(-1, 1, size=(5, 4)))


@pytest.mark.parametrize("budget", [5, 12, 20])
def test_a_budget_ends_it_wherever_it_is_and_no_thread_stays(budget: int) -> None:
    before = threading.active_count()
    extraction = mex.extract(mex.Oracle(example_target(), budget=budget), Calling(batches))
    assert (extraction.queries, extraction.stopped) == (budget, "budget")
    assert threading.active_count() == before


def test_it_draws_from_its_own_stream_and_leaves_the_global_generators_alone() -> None:
    asked = []
    for seed in (1, 2):
        np.random.seed(seed)
        random.seed(seed)
        before = np.random.get_state()[1].copy(), random.getstate()
        asked.append(mex.extract(mex.Oracle(example_target(), budget=20), Calling(batches)).transcript.X)
        assert np.array_equal(before[0], np.random.get_state()[1])
        assert before[1] == random.getstate()
    assert np.array_equal(asked[0], asked[1])
    assert len(np.unique(asked[0], axis=0)) == 20


def test_what_the_function_raises_is_raised_and_what_it_returns_ends_it() -> None:
    def failing(ask: Ask) -> None:
        ask(np.zeros((1, 4)))
        raise ZeroDivisionError("no weight")

    with pytest.raises(ZeroDivisionError, match="no weight"):
        mex.extract(mex.Oracle(example_target(), budget=20), Calling(failing))
    done = mex.extract(mex.Oracle(example_target(), budget=20), Calling(lambda ask: ask(np.zeros((3, 4)))))
    assert (done.queries, done.stopped) == (3, "done")


def test_an_end_passes_what_catches_every_exception() -> None:
    ended = []

    def stubborn(ask: Ask) -> None:
        try:
            while True:
                try:
                    ask(np.zeros((1, 4)))
                except Exception:
                    continue
        finally:
            ended.append(True)

    mex.extract(mex.Oracle(example_target(), budget=2), Calling(stubborn))
    assert ended == [True]


def test_a_learner_is_closed_when_its_target_fails_as_well() -> None:
    @attrs.frozen(eq=False)
    class Failing(mex.Target):
        domain, classes, answers = mex.Domain.reals(4), np.array([0, 1]), ("label",)
        family, rho, alarm = mex.Family("any"), 0.0, None

        def answer(self, X: FloatArray, kind: str) -> Array:
            raise OSError("gone")

    before = threading.active_count()
    with pytest.raises(OSError, match="gone"):
        mex.extract(mex.Oracle(Failing()), Calling(batches))
    assert threading.active_count() == before


def test_a_copy_of_a_global_stream_draws_what_the_original_would_have() -> None:
    import copy

    stream = GlobalRandom(np.random.default_rng(3))
    with stream:
        np.random.normal(size=3)  # an odd number: the generator keeps the other half of a pair
    other = copy.deepcopy(stream)
    draws = []
    for one in (stream, other):
        with one:
            draws.append([*np.random.normal(size=5), random.random()])
    assert draws[0] == draws[1]
