"""From answers to scores that are piecewise linear in the row, and back; and what rounding does to each score."""

from __future__ import annotations

import attrs
import numpy as np
from scipy.special import expit, softmax

from mex.toolkit.checking.readings import FEW
from mex.types import Array, FloatArray

DECIMALS = range(11)
"""How many decimals answers may be rounded to that show it."""
CLEAR = 1e-9
"""Probabilities that are as near to 0 or 1 tell nothing of decimals."""
SMALLEST = 1e-290
"""Probabilities below it have lost digits."""


@attrs.define(eq=False)
class Scores:
    """The scores of answers: values as they are, log(p_1 / p_0) of two classes, log(p_k / p_0), k > 0, of several.

    Attributes:
        classes: how many, 0 of values.
        unit: the relative rounding of one number.
        decimals: to how many decimals the answers are rounded; None if they are not.
        complement: whether the first of two probabilities is one minus the second, and has no more digits than that.
    """

    classes: int
    unit: float = float(np.finfo(np.float64).eps)
    decimals: int | None = None
    complement: bool = True

    @property
    def single(self) -> bool:
        """Whether answers are float32 numbers."""
        return self.unit > 1e-10

    @property
    def width(self) -> int:
        """How many scores an answer has."""
        return max(self.classes - 1, 1)

    def learn(self, answers: Array) -> bool:
        """Find out from some answers how they are rounded; whether they are enough for that."""
        told = np.unique(answers)
        if self.classes:
            told = told[(told > CLEAR) & (told < 1 - CLEAR)]
        if len(told) < FEW:
            return False
        slack = 4 * self.unit * float(np.abs(told).max())
        rounded = (k for k in DECIMALS if slack < 1e-3 * 10.0**-k and np.abs(told - np.round(told, k)).max() < slack)
        self.decimals = next(rounded, None)
        if self.decimals is None and np.array_equal(told, told.astype(np.float32)):
            self.unit = float(np.finfo(np.float32).eps)
        if self.classes == 2:
            self.complement = bool(np.allclose(answers[:, 0], 1 - answers[:, 1], rtol=1e-9, atol=0))
        return True

    def __call__(self, answers: Array) -> tuple[FloatArray, FloatArray]:
        """Scores, shape (n, width), and the bounds of their rounding, shape (n,): infinite where they are bounds."""
        off = 0.0 if self.decimals is None else 0.51 * 10.0**-self.decimals
        if self.classes == 0:
            values = np.asarray(answers, dtype=np.float64).reshape(-1, 1)
            return values, np.maximum(self.unit * np.abs(values[:, 0]), off)
        p = np.asarray(answers, dtype=np.float64)
        least = p.min(axis=1)
        smallest = SMALLEST if not self.single else 1e-36
        visible = (least > smallest) & (least > 2 * off)
        p = np.maximum(p, smallest)
        if self.classes == 2:
            first = p[:, 0]
            if self.complement:
                visible &= p[:, 1] < 1
                first = np.maximum(1 - p[:, 1], self.unit / 2)
            rest = np.where(p[:, 1] < 0.5, np.log1p(-np.minimum(p[:, 1], 0.5)), np.log(first))
            scores = (np.log(p[:, 1]) - rest)[:, None]
            loss = self.unit / first if self.complement else np.full(len(p), self.unit)
        else:
            scores = np.log(p[:, 1:]) - np.log(p[:, :1])
            loss = np.full(len(p), self.unit)
        loss = np.maximum(loss, 2 * off / np.maximum(least, smallest))
        return scores, np.where(visible, loss, np.inf)


def answers_of(scores: FloatArray, classes: int) -> FloatArray:
    """The values, shape (n,), or probabilities, shape (n, classes), that scores stand for."""
    if classes == 0:
        return scores[:, 0]
    if classes == 2:
        p = expit(scores)
        return np.hstack([1 - p, p])
    return np.asarray(softmax(np.hstack([np.zeros((len(scores), 1)), scores]), axis=1))
