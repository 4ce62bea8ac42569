"""Undoing what a defense does to probabilities, where its parameters are public."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np

from mex.types import FloatArray

HALVINGS = 60
"""Of a bracket of logits, down to the spacing of floats."""


Bounds: TypeAlias = tuple[FloatArray, FloatArray]
"""The least and the greatest of what is behind each answer, two arrays of the shape of the answers."""


@runtime_checkable
class Invertible(Protocol):
    """A defense whose answers tell what is behind them, to an attacker who knows its parameters."""

    def bounds(self, answers: FloatArray) -> Bounds:
        """Between what the probabilities or values behind ``answers`` are, shape (n, k) or (n,).

        The two are equal where it follows from the answer. Where the answer tells a class only, this one is the most
        probable in their middle.

        Raises:
            Incompatible: if answers of so many classes, or values, are not inverted.
        """
        ...


def apportionment_bounds(P: FloatArray, step: float, *, label_kept: bool = True) -> Bounds:
    """Between what probabilities are that were rounded to multiples of ``step`` that sum to 1, shape (n, k).

    Largest remainders move each by (k - 1) / k steps at most, as does rounding one by one. With ``label_kept`` the most
    probable class stays it, the first of those that tie. If a class before it ties, it may have taken a step from that.

    >>> apportionment_bounds(np.array([[0.7, 0.3], [0.5, 0.5], [0.4, 0.6]]), 0.1)[1]
    array([[0.75, 0.35],
           [0.55, 0.5 ],
           [0.5 , 0.65]])
    """
    k, rows, top = P.shape[1], np.arange(len(P)), P.argmax(axis=1)
    before = np.arange(k) < top[:, None]
    moved = step * (before & (np.round((P.max(axis=1, keepdims=True) - P) / step) == 2))
    low, high = P - step * (1 - 1 / k), P + step * (1 - 1 / k) + moved
    low[rows, top] -= moved.max(axis=1)
    if label_kept:
        low[rows, top] = np.maximum(low[rows, top], 1 / k)
        largest = high[rows, top]
        high = np.minimum(high, largest[:, None])
    low, high = np.maximum(low, 0.0), np.minimum(high, 1.0)
    return (np.maximum(low, 1 - high[:, ::-1]), np.minimum(high, 1 - low[:, ::-1])) if k == 2 else (low, high)


def solve_increasing(
    function: Callable[[FloatArray], FloatArray], values: FloatArray, low: float, high: float
) -> FloatArray:
    """Where an increasing ``function`` takes ``values``, between ``low`` and ``high``, shape (n,): by bisection.

    >>> solve_increasing(lambda x: x**3, np.array([0.0, 8.0]), 0.0, 4.0)
    array([0., 2.])
    """
    a, b = np.full(len(values), low), np.full(len(values), high)
    for _ in range(HALVINGS):
        middle = (a + b) / 2
        above = function(middle) > values
        a, b = np.where(above, a, middle), np.where(above, middle, b)
    return a
