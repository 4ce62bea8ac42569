"""Changes of one feature of a row, and what each does to its score."""

from __future__ import annotations

import attrs
import numpy as np

from mex.toolkit.bayes_point.encoding import Encoding
from mex.types import Array, FloatArray

TINY = 1e-300
FINE = 50
"""A whole number that has so many values can bring a score near to 0, as a real one can."""


@attrs.frozen(eq=False)
class Changes:
    """All single changes of n rows, in their wide vectors (:class:`.Encoding`): first of numbers, then of categories.

    Attributes:
        on: the wide column that each change makes larger, shape (changes,).
        step: by how much, of numbers, shape (n, changes of numbers).
        here: the wide columns of the categories that rows have, shape (n, groups).
        group: the group of each change of a category, shape (categories,).
        size: what a category is in wide vectors, shape (wide - 1,): the one in column ``here`` ends with each change.
    """

    on: Array
    step: FloatArray
    here: Array
    group: Array
    size: FloatArray

    def along(self, vector: FloatArray) -> FloatArray:
        """How much each change adds to the product with a wide vector, shape (wide,) or one for each row."""
        numbers = self.step.shape[1]
        on = vector[..., self.on]
        there = vector[self.here] if vector.ndim == 1 else vector[np.arange(len(vector))[:, None], self.here]
        added = np.empty((len(self.step), len(self.on)))
        added[:, :numbers] = self.step * on[..., :numbers]
        size, sizes = self.size[self.on[numbers:]], self.size[self.here]
        added[:, numbers:] = size * on[..., numbers:] - (sizes * there)[:, self.group]
        return added

    def along_all(self, vectors: FloatArray) -> FloatArray:
        """The same for vectors of shape (r, wide), shape (n, changes, r)."""
        added = np.empty((len(self.step), len(self.on), len(vectors)))
        for i, vector in enumerate(vectors):
            added[..., i] = self.along(vector)
        return added

    def spread(self, cov: FloatArray) -> FloatArray:
        """The variance of what each change adds to the score, by the covariance of the weights in wide vectors."""
        numbers, var = self.step.shape[1], np.diag(cov)
        on, here = self.on[numbers:], self.here[:, self.group]
        size, sizes = self.size[on], self.size[here]
        spread = np.empty((len(self.step), len(self.on)))
        spread[:, :numbers] = self.step**2 * var[self.on[:numbers]]
        spread[:, numbers:] = size**2 * var[on] + sizes**2 * var[here] - 2 * size * sizes * cov[here, on]
        return spread

    def make(self, row: int, change: int, wide: FloatArray) -> None:
        """Make a change of a row in its wide vector."""
        numbers = self.step.shape[1]
        if change < numbers:
            wide[self.on[change]] += self.step[row, change]
            return
        wide[self.here[row, self.group[change - numbers]]] = 0.0
        wide[self.on[change]] = self.size[self.on[change]]


class SingleChanges:
    """The changes that are tried: another category; a number at one of its ends, or where the score of its row is 0.

    Real numbers are moved half-way to their ends as well, and whole ones by 1.

    Args:
        encoding: of the domain.

    Attributes:
        low, high: the ends of numbers in wide vectors, shape (numbers,).
        fine: the wide columns of real numbers, and of whole ones with many values.
        grain: the least step of each number in wide vectors, 0 of a real one, shape (numbers,).
    """

    def __init__(self, encoding: Encoding) -> None:
        n = len(encoding.numbers)
        domain, self._unit = encoding.domain, encoding.scale[:n]  # a step of 1
        ends = (domain.lower[encoding.numbers], domain.upper[encoding.numbers])
        self.low, self.high = (end * self._unit + encoding.offset[:n] for end in ends)
        whole = domain.integer[encoding.numbers]
        self._reals = np.flatnonzero(~whole)
        self.fine: Array = np.flatnonzero(~whole | (ends[1] - ends[0] >= FINE))
        self.grain: FloatArray = np.where(whole, self._unit, 0.0)
        self._wholes = np.flatnonzero(whole & (ends[1] - ends[0] > 1))
        sizes = [stop - start for start, stop in encoding.spans]
        self._groups: Array = np.arange(len(sizes))
        self._group = np.repeat(self._groups, sizes)
        widest = max(sizes, default=1)  # the last category of a smaller group stands in its row more than once
        spans = [np.minimum(np.arange(start, start + widest), stop - 1) for start, stop in encoding.spans]
        self._spans: Array = np.array(spans, dtype=int).reshape(-1, widest)
        self._size = encoding.scale
        numbers = [np.arange(n)] * 2 + [self._reals] * 3 + [self._wholes] * 4
        self._on: Array = np.concatenate([*numbers, np.arange(n, len(encoding.columns))]).astype(int)

    @property
    def any(self) -> bool:
        """Whether there are any: not on a domain of one row."""
        return len(self._on) > 0

    def of(self, at: FloatArray, s: FloatArray, mean: FloatArray) -> Changes:
        """Those of rows, as wide vectors of shape (n, wide), whose scores are ``s`` by the weights ``mean``."""
        n, real, whole = len(self.low), self._reals, self._wholes
        down, up = self.low - at[:, :n], self.high - at[:, :n]
        root = -s[:, None] / np.where(np.abs(mean[:n]) > TINY, mean[:n], TINY)
        unit, lowest, highest = self._unit[whole], down[:, whole], up[:, whole]
        below = np.floor(root[:, whole] / unit) * unit
        to_root = np.minimum(np.maximum(root[:, real], down[:, real]), up[:, real])
        steps = [np.minimum(np.maximum(x, lowest), highest) for x in (below, below + unit, -unit, unit)]
        step = np.concatenate([down, up, to_root, down[:, real] / 2, up[:, real] / 2, *steps], axis=1)
        categories = self._spans[self._groups, at[:, self._spans].argmax(axis=2)]
        return Changes(self._on, step, categories, self._group, self._size)
