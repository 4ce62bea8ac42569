"""What a target answers is checked before an attacker gets it."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import pytest

import mex
from mex.types import Answer, Array, FloatArray

X = np.zeros((2, 3))


@attrs.frozen(eq=False)
class Answering(mex.Target):
    """A target that has one answer to everything."""

    kind: Answer
    given: Any

    domain = mex.Domain.reals(3)
    family = mex.Family("any")
    rho = 0.0

    @property
    def answers(self) -> tuple[Answer, ...]:
        return (self.kind,)

    @property
    def classes(self) -> Array | None:
        return None if self.kind == "value" else np.array([0, 1])

    def answer(self, X: FloatArray, kind: Answer) -> Any:
        return self.given


# Answers that no interface may give, by kind: each is refused for the batch of two rows.
GARBAGE: dict[Answer, dict[str, Any]] = {
    "label": {
        "too few": np.array([0]),
        "too many": np.array([0, 1, 1]),
        "a matrix": np.array([[0], [1]]),
        "a single number": 1,
        "nothing": None,
        "ragged": [[0], [0, 1]],
        "an unknown label": np.array([0, 2]),
        "NaN": np.array([0, np.nan]),
        "text": np.array(["0", "1"]),
        "objects": np.array([None, 1], dtype=object),
    },
    "proba": {
        "one column": np.array([[1.0], [1.0]]),
        "three columns": np.full((2, 3), 1 / 3),
        "a vector": np.array([0.5, 0.5]),
        "a sum of 1.1": np.array([[0.5, 0.5], [0.5, 0.6]]),
        "negative": np.array([[0.5, 0.5], [-0.5, 1.5]]),
        "NaN": np.array([[0.5, 0.5], [np.nan, 1.0]]),
        "infinite": np.array([[0.5, 0.5], [np.inf, -np.inf]]),
        "text": np.array([["0", "1"], ["1", "0"]]),
        "objects": np.array([[None, 1], [0, 1]], dtype=object),
    },
    "leaf": {
        "NaN": np.array([1, np.nan]),
        "a fraction": np.array([1, 2.5]),
        "text": np.array(["1", "2"]),
        "three axes": np.ones((2, 3, 1), dtype=int),
    },
    "value": {
        "NaN": np.array([1.0, np.nan]),
        "infinite": np.array([1.0, np.inf]),
        "a matrix": np.array([[1.0], [2.0]]),
        "text": np.array(["1", "2"]),
        "complex": np.array([1j, 1]),
        "objects": np.array([None, 1], dtype=object),
    },
}
CASES: list[tuple[Answer, str]] = [(kind, case) for kind, cases in GARBAGE.items() for case in cases]
FINE: dict[Answer, Any] = {
    "label": [1, 0],
    "proba": [[0.25, 0.75], [1, 0]],
    "leaf": np.array([[3, 4], [5, 6]]),
    "value": np.array([0.5, -7], dtype=np.float32),
}


@pytest.mark.parametrize(("kind", "case"), CASES)
def test_garbage_from_a_target_is_never_passed_on(kind: Answer, case: str) -> None:
    oracle = mex.Oracle(Answering(kind, GARBAGE[kind][case]))
    with pytest.raises(mex.AnswerError, match="the target") as error:
        oracle.ask(X)
    assert "\n" not in str(error.value)
    assert oracle.queries == 2, "rows count when they are sent"
    assert len(oracle.transcript) == 0


def test_probabilities_that_sum_to_1_and_are_none_are_told_as_such() -> None:
    with pytest.raises(mex.AnswerError, match=r"probabilities that are not between 0 and 1, such as -0\.9"):
        mex.Oracle(Answering("proba", np.array([[0.5, 0.5], [1.9, -0.9]]))).ask(X)


@pytest.mark.parametrize("kind", FINE)
def test_answers_as_promised_are_passed_on(kind: Answer) -> None:
    answers = mex.Oracle(Answering(kind, FINE[kind])).ask(X)
    assert np.array_equal(answers["leaf"] if kind == "leaf" else answers, FINE[kind])
