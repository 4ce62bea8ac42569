"""Undoing what a defense does to probabilities, where its parameters are public."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import numpy as np

from mex.types import FloatArray

HALVINGS = 60
"""Of a bracket of logits, down to the spacing of floats."""


@runtime_checkable
class Invertible(Protocol):
    """A defense whose answers tell what is behind them, to an attacker who knows its parameters."""

    def inverse(self, P: FloatArray) -> FloatArray:
        """The probabilities behind the answers ``P``, both of shape (n, k).

        Where they follow from the answer they are exact, or the middle of what was rounded to it. Where only the class
        of the largest does, as several probabilities have the same answer, that class has probability 1.

        Raises:
            Incompatible: if answers of so many classes are not inverted.
        """
        ...


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
