"""A sum of boxes: what a sum of trees is, one term for each node that has an effect of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import attrs
import numpy as np

from mex.types import Array, FloatArray

WORD = 64


@attrs.define(eq=False)
class Step:
    """A threshold: between ``below``, known to be on its left, and ``above``, known to be on its right.

    Until it is known to the last bit no row is asked between the two. ``uses`` counts the terms that have it.
    """

    axis: int
    below: float
    above: float
    uses: int = 0


Conditions: TypeAlias = tuple[tuple[Step, int], ...]
"""Steps, and the side of each on which a point is: 1 on the right, -1 on the left."""


class BoxSum:
    """The function sum_k c_k 1[x on the given sides of the steps of term k], and the variance of its rounding.

    For each axis and each cell between its steps a row of bits says which terms a point of that cell may be in; the
    terms of a point are the conjunction over the axes. Terms are only ever added, so that a number of terms is a
    version of the function.

    >>> total = BoxSum(2)
    >>> step = total.step(0, 1.0, 2.0)
    >>> total.add(5.0, 0.0, ())
    >>> total.add(3.0, 0.0, ((step, 1),))
    >>> total(np.array([[1.0, 0.0], [2.0, 0.0]]))[0], total(np.array([[2.0, 0.0]]), 1)[0]
    (array([5., 8.]), array([5.]))
    """

    def __init__(self, n_axes: int) -> None:
        self.steps: list[list[Step]] = [[] for _ in range(n_axes)]  # of each axis, in order
        self.terms: list[Conditions] = []
        self._above = [np.empty(0) for _ in range(n_axes)]
        self._cells = [np.full((1, 1), ~np.uint64(0)) for _ in range(n_axes)]
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
        p = int(np.searchsorted(self._above[axis], above))
        if p < len(self.steps[axis]) and self._above[axis][p] == above:
            known = self.steps[axis][p]
            known.below = max(known.below, below)
            return known
        step = Step(axis, below, above)
        self.steps[axis].insert(p, step)
        self._above[axis] = np.insert(self._above[axis], p, above)
        self._cells[axis] = np.insert(self._cells[axis], p, self._cells[axis][p], axis=0)
        return step

    def narrow(self, step: Step, below: float, above: float) -> None:
        """Say more exactly where a threshold is."""
        step.below, step.above = below, above
        self._above[step.axis][self.steps[step.axis].index(step)] = above

    def add(self, coefficient: float, variance: float, conditions: Conditions) -> None:
        """Add a term."""
        word, bit = divmod(len(self.terms), WORD)
        if word == self._cells[0].shape[1]:
            self._cells = [np.concatenate([c, np.full_like(c, ~np.uint64(0))], axis=1) for c in self._cells]
            self._parameters = np.concatenate([self._parameters, np.zeros_like(self._parameters)])
        for step, side in conditions:
            step.uses += 1
            p, cells = self.steps[step.axis].index(step), self._cells[step.axis]
            outside = slice(0, p + 1) if side > 0 else slice(p + 1, None)
            cells[outside, word] &= ~(np.uint64(1) << np.uint64(bit))
        self._parameters[len(self.terms)] = coefficient, variance
        self.terms.append(conditions)

    def members(self, Z: FloatArray, version: Array | int | None = None) -> Array:
        """Which of the first ``version`` terms each point is in, shape (n, terms), as 0 and 1; by default of all."""
        bits: Array = np.full((len(Z), self._cells[0].shape[1]), ~np.uint64(0))
        for axis, (above, cells) in enumerate(zip(self._above, self._cells, strict=True)):
            if len(above):
                bits &= cells[np.searchsorted(above, Z[:, axis], side="right")]
        if version is not None:
            bits &= _first(np.broadcast_to(version, len(Z)), bits.shape[1])
        return np.unpackbits(bits.view(np.uint8), axis=1, bitorder="little", count=len(self.terms))

    def __call__(self, Z: FloatArray, version: Array | int | None = None) -> tuple[FloatArray, FloatArray]:
        """Values and variances at points, shape (n,) each, of the sum of the first ``version`` terms."""
        both = self.members(Z, version).astype(np.float64) @ self._parameters[: len(self.terms)]
        return both[:, 0], both[:, 1]

    def keep(self, which: Sequence[int], coefficients: FloatArray, variances: FloatArray) -> BoxSum:
        """The sum of these terms only, over the same steps, with other coefficients."""
        kept = BoxSum(len(self.steps))
        kept.steps, kept._above = self.steps, self._above
        kept._cells = [np.full((len(above) + 1, 1), ~np.uint64(0)) for above in self._above]
        for k, c, v in zip(which, coefficients, variances, strict=True):
            kept.add(float(c), float(v), self.terms[k])
        return kept


def _first(n: Array, words: int) -> Array:
    """Words of bits, the first ``n`` of which are set, shape (len(n), words)."""
    word, bit = np.divmod(n.astype(np.int64), WORD)
    partial = (np.uint64(1) << bit.astype(np.uint64)) - np.uint64(1)
    place = np.arange(words)
    return np.where(place < word[:, None], ~np.uint64(0), np.where(place == word[:, None], partial[:, None], 0))
