"""A sum of boxes: what a sum of trees is, one term for each node that has an effect of its own."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from mex.types import Array, FloatArray
from mex_boosted_exact.thresholds import Step, Thresholds

WORD = 64
ROOM = 1 << 24
"""For how many terms of points there is room at once, in numbers of 8 bytes."""

Conditions: TypeAlias = tuple[tuple[Step, int], ...]
"""Steps, and the side of each on which a point is: 1 on the right, -1 on the left."""


class BoxSum:
    """The function sum_k c_k 1[x on the given sides of the steps of term k], and the variance of its rounding.

    For each axis and each cell between its steps a row of bits says which terms a point of that cell may be in; the
    terms of a point are the conjunction over the axes.

    Attributes:
        thresholds: the steps on all axes.
        terms: the conditions of each term.

    >>> total = BoxSum(2)
    >>> step = total.step(0, 1.0, 2.0)
    >>> total.add(5.0, 0.0, ())
    >>> total.add(3.0, 0.0, ((step, 1),))
    >>> total(np.array([[1.0, 0.0], [2.0, 0.0]]))[0]
    array([5., 8.])
    """

    def __init__(self, n_axes: int) -> None:
        self.thresholds = Thresholds(n_axes)
        self.terms: list[Conditions] = []
        self._cells = np.full((n_axes, 1), ~np.uint64(0))  # of all axes, one after the other
        self._parameters = np.zeros((WORD, 2))  # coefficient and variance of each term

    def __len__(self) -> int:
        return len(self.terms)

    @property
    def coefficients(self) -> FloatArray:
        """The coefficients of the terms, shape (n,); they can be written into."""
        return self._parameters[: len(self.terms), 0]

    @property
    def variances(self) -> FloatArray:
        """Their variances by the rounding of the answers that they come from, shape (n,); they can be written into."""
        return self._parameters[: len(self.terms), 1]

    def step(self, axis: int, below: float, above: float) -> Step:
        """A new threshold, or the one that is already known there."""
        if (known := self.thresholds.find(axis, above)) is not None:
            self.thresholds.narrow(known, max(known.below, below), above)
            return known
        step = self.thresholds.add(axis, below, above)
        left = self.thresholds.number(step) + axis  # the cell that is parted
        self._cells = np.insert(self._cells, left, self._cells[left], axis=0)
        return step

    def add(self, coefficient: float, variance: float, conditions: Conditions) -> None:
        """Add a term."""
        word, bit = divmod(len(self.terms), WORD)
        if word == self._cells.shape[1]:
            self._cells = np.concatenate([self._cells, np.full((len(self._cells), 1), ~np.uint64(0))], axis=1)
            self._parameters = np.concatenate([self._parameters, np.zeros((WORD, 2))])
        self.thresholds.use([step for step, _ in conditions])
        for step, side in conditions:
            right = self.thresholds.number(step) + step.axis + 1  # the cell on the right of it
            outside = slice(self._first(step.axis), right) if side > 0 else slice(right, self._first(step.axis + 1))
            self._cells[outside, word] &= ~(np.uint64(1) << np.uint64(bit))
        self._parameters[len(self.terms)] = coefficient, variance
        self.terms.append(conditions)

    def _first(self, axis: int) -> int:
        """The first cell of an axis; the number of cells for the axis after the last."""
        return int(self.thresholds.first[axis]) + axis

    def members(self, Z: FloatArray) -> Array:
        """Which terms each point is in, shape (n, terms), as 0 and 1."""
        cells = self.thresholds.passed(Z) + self.thresholds.first[:-1] + np.arange(Z.shape[1])
        bits: Array = np.bitwise_and.reduce(self._cells[cells], axis=1)
        return np.unpackbits(bits.view(np.uint8), axis=1, bitorder="little", count=len(self.terms))

    def __call__(self, Z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Values and variances at points, shape (n,) each."""
        both, size = np.empty((len(Z), 2)), max(1, ROOM // max(1, len(self.terms)))
        for start in range(0, len(Z), size):
            some = slice(start, start + size)
            both[some] = self.members(Z[some]).astype(np.float64) @ self._parameters[: len(self.terms)]
        return both[:, 0], both[:, 1]
