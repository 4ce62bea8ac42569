"""Rounding of probabilities and values."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from mex import Incompatible, Scope, Target, UsageError
from mex.dataset import Rows
from mex.params import above, doc, optional, whole
from mex.toolkit.perturbation.inversion import Bounds, apportionment_bounds
from mex.toolkit.perturbation.outputs import DefendedOutput, DefendedValues, has_probabilities, value_spread
from mex.types import FloatArray

MOST_DECIMALS = 15
"""More decimals than a probability in a float has."""


@attrs.frozen(kw_only=True)
class Rounding:
    """Round probabilities to decimals; values to decimals, significant digits, or a grid in units of their spread.

    Probabilities are rounded by the largest-remainder method of apportionment, so that rows sum to 1 at any number of
    decimals, and a larger probability never ends below a smaller one. If the most probable class ties with another, it
    takes one last digit from it, so that labels do not change.

    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from mex import FittedTarget
    >>> X, y = load_iris(return_X_y=True)
    >>> target = FittedTarget.wrap(LogisticRegression(max_iter=500).fit(X, y))
    >>> Rounding(decimals=1).protect(target, Rows(X, y), np.random.default_rng(0)).answer(X[70:72], "proba")
    array([[0. , 0.4, 0.6],
           [0. , 1. , 0. ]])
    """

    decimals: int = attrs.field(default=2, validator=whole(0), metadata=doc("digits after the decimal point"))
    digits: int | None = attrs.field(
        default=None, validator=optional(whole(1)), metadata=doc("significant digits of values, instead of decimals")
    )
    grid: float | None = attrs.field(
        default=None,
        validator=optional(above(0)),
        metadata=doc(
            "step of values, in standard deviations of the model's answers to the training rows, instead of decimals"
        ),
    )

    scope: ClassVar[Scope] = Scope()
    paper: ClassVar[str] = "Tramèr et al. 2016, Section 7"

    def __attrs_post_init__(self) -> None:
        if self.digits is not None and self.grid is not None:
            raise UsageError("digits and grid are two ways to round: give one of them")

    def protect(self, target: Target, train: Rows, rng: np.random.Generator) -> Target:
        """Return a target that answers rounded; nothing is random."""
        if target.classes is None:
            if "value" not in target.answers:
                raise Incompatible(f"rounding rounds values, and this interface gives {' and '.join(target.answers)}")
            step = None if self.grid is None else self.grid * value_spread(target, train, "rounding to a grid")
            return _RoundedValues(target, self.decimals, self.digits, step)
        if self.digits is not None or self.grid is not None:
            raise Incompatible("rounding to digits or a grid is for values; probabilities are rounded to decimals")
        return _Rounded(target, self.decimals) if has_probabilities(target, "rounding") else target

    def bounds(self, answers: FloatArray) -> Bounds:
        """The intervals that are rounded to ``answers``: :class:`.Invertible`.

        The step of a grid of values is not public: it is the least difference of two answers.
        """
        if answers.ndim == 2:
            return apportionment_bounds(answers, 10.0 ** -min(self.decimals, MOST_DECIMALS))
        if self.digits is not None:
            size = np.floor(np.log10(np.maximum(np.abs(answers), np.finfo(np.float64).tiny)))
            half = 0.5 * 10.0 ** (size + 1 - self.digits)
        elif self.grid is not None:
            gaps = np.diff(np.unique(answers))
            half = np.full_like(answers, gaps.min(initial=np.inf) / 2)
        else:
            half = np.full_like(answers, 0.5 * 10.0**-self.decimals)
        return answers - half, answers + half


class _Rounded(DefendedOutput):
    keeps_labels = True

    def __init__(self, target: Target, decimals: int) -> None:
        super().__init__(target)
        self._parts = 10.0 ** min(decimals, MOST_DECIMALS)

    def defended(self, P: FloatArray, X: FloatArray) -> FloatArray:
        return apportioned(P, self._parts) / self._parts


def apportioned(P: FloatArray, parts: float) -> FloatArray:
    """Whole numbers in proportion to the rows of ``P`` that sum to ``parts``; the largest stays the largest.

    >>> apportioned(np.array([[0.496, 0.504], [0.34, 0.66]]), 10)
    array([[4., 6.],
           [3., 7.]])
    """
    exact = P / P.sum(axis=1, keepdims=True) * parts
    whole_parts = np.floor(exact)
    missing = parts - whole_parts.sum(axis=1, keepdims=True)
    place = np.argsort(np.argsort(whole_parts - exact, axis=1, kind="stable"), axis=1)
    given = whole_parts + (place < missing)
    rows, top, first = np.arange(len(P)), np.argmax(P, axis=1), np.argmax(given, axis=1)
    given[rows, first] -= first != top
    given[rows, top] += first != top
    return np.asarray(given)


class _RoundedValues(DefendedValues):
    def __init__(self, target: Target, decimals: int, digits: int | None, step: float | None) -> None:
        super().__init__(target)
        self._decimals = decimals
        self._digits = digits
        self._step = step

    def defended(self, values: FloatArray, X: FloatArray) -> FloatArray:
        if self._digits is not None:
            return np.char.mod(f"%.{self._digits - 1}e", values).astype(np.float64)
        if self._step is not None:
            return np.round(values / self._step) * self._step if self._step > 0 else values
        return np.round(values, self._decimals)
