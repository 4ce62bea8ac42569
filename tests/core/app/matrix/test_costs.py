"""What a defense costs honest users."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import mex
from mex.app.matrix.costs import SESSION, costs
from mex.app.matrix.evaluation import Yardstick
from mex.dataset import Rows
from mex.testing.examples import example_target
from mex.types import Answer, Array, BoolArray, FloatArray


class Changed(mex.Defended):
    """Answers changed by a function of rows and answers, and a number of rows that each client may ask."""

    def __init__(
        self, target: mex.Target, change: Callable[[FloatArray, Array], Array], limit: float | None = None
    ) -> None:
        super().__init__(target)
        self._change, self._limit, self._seen = change, limit, 0
        if limit is not None:
            self.__class__ = Limited

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        return self._change(X, self._target.answer(X, kind))


class Limited(Changed):
    """With a limit."""

    @property
    def alarm(self) -> int | None:
        return int(self._limit) if self._limit is not None and self._seen > self._limit else None

    def admit(self, X: FloatArray) -> BoolArray:
        assert self._limit is not None
        number = self._seen + 1 + np.arange(len(X))
        self._seen += len(X)
        return number <= self._limit


def judge(target: mex.FittedTarget, n: int = 400) -> Yardstick:
    rng = np.random.default_rng(0)
    X = target.domain.sample(n, rng)
    return Yardstick.of(target, Rows(X, target.answer(X, target.answers[0])), rng)


def same(X: FloatArray, answers: Array) -> Array:
    return answers


def test_no_defense_costs_nothing() -> None:
    target = example_target()
    got = costs(target, judge(target), "label")
    del got["latency_added"]
    assert list(got.values()) == [0] * 5


def test_flipped_labels_are_counted() -> None:
    target = example_target()
    yardstick = judge(target)
    positive = yardstick.points["agreement"][:, 0] > 0
    got = costs(Changed(target, lambda X, y: np.where(X[:, 0] > 0, 1 - y, y)), yardstick, "label")
    assert got["answers_changed"] == got["answer_shift"] == pytest.approx(np.mean(positive))
    assert got["repeats_differ"] == 0


def test_fresh_noise_answers_a_repeated_question_otherwise() -> None:
    target = example_target()
    rng = np.random.default_rng(1)
    got = costs(Changed(target, lambda X, y: np.where(rng.random(len(X)) < 0.2, 1 - y, y)), judge(target), "label")
    assert got["answers_changed"] == pytest.approx(0.2, abs=0.06)
    assert got["repeats_differ"] == pytest.approx(0.32, abs=0.07)  # 2 · 0.2 · 0.8


def test_probabilities_shift_by_their_total_variation() -> None:
    target = example_target()

    def towards_even(X: FloatArray, p: Array) -> Array:
        return 0.9 * p + 0.05

    yardstick = judge(target)
    p = target.answer(yardstick.points["agreement"], "proba")
    got = costs(Changed(target, towards_even), yardstick, "proba")
    assert got["answers_changed"] == 1
    assert got["answer_shift"] == pytest.approx(np.mean(0.1 * np.abs(p[:, 0] - 0.5)))


def test_values_shift_in_standard_deviations() -> None:
    target = example_target("regression")
    yardstick = judge(target)
    values = target.answer(yardstick.points["agreement"], "value")
    got = costs(Changed(target, lambda X, y: y + 0.5 * np.std(values)), yardstick, "value")
    assert got["answer_shift"] == pytest.approx(0.5)


def test_each_honest_client_is_new_to_the_defense() -> None:
    target = example_target()
    defended = Changed(target, same, limit=0.8 * SESSION)
    got = costs(
        mex.load_registry().build("defense", "none").protect(defended, None, None), judge(target, 2000), "label"
    )
    assert got["honest_refused"] == pytest.approx(0.2)
    assert got["false_alarms"] == 1
    assert defended.alarm is None, "the attacker's session is not touched"
    assert costs(Changed(target, same, limit=SESSION), judge(target, 2000), "label")["false_alarms"] == 0


def test_a_target_of_the_protocol_alone_is_asked_what_it_refuses() -> None:
    class Half:
        """No subclass of anything of ours: it refuses every other row, and raises the alarm after a hundred."""

        alarm: int | None = None

        def __init__(self, target: mex.FittedTarget) -> None:
            self.behind = target
            self.domain, self.classes, self.answers = target.domain, target.classes, target.answers
            self.family, self.rho = target.family, target.rho

        def admit(self, X: FloatArray) -> BoolArray:
            self.alarm = 100 if len(X) > 100 else None
            return np.arange(len(X)) % 2 == 0

        def answer(self, X: FloatArray, kind: Answer) -> Array:
            return self.behind.answer(X, kind)

    got = costs(Half(example_target()), judge(example_target(), 400), "label")
    assert (got["honest_refused"], got["false_alarms"]) == (0.5, 1)
