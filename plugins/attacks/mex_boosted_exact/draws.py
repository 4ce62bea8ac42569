"""Random points of three kinds, at which a sum of boxes is checked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mex.types import FloatArray
from mex_boosted_exact.axes import MISSING, Axes
from mex_boosted_exact.sums import BoxSum, Conditions

CORNER = 0.8
"""The share of the coordinates of a corner that are bounds; those of the others lie in random cells."""
EDGE = 0.5
"""The share of the coordinates in cells that are the first or the last number of it, next to a threshold."""


class Draws:
    """Draws points: uniform on the domain or near the data, in random cells between known steps, and at corners."""

    def __init__(self, axes: Axes, pool: FloatArray | None, rng: np.random.Generator) -> None:
        """``pool`` has rows of the domain that are like the data, if there are any."""
        self.axes = axes
        self.rng = rng
        self.pool = None if pool is None or len(pool) == 0 else pool
        self._values: list[FloatArray] | None = None  # of the data, by axis in their order, and the ends of the domain

    def middle(self) -> FloatArray:
        """The middle of the domain, shape (1, axes)."""
        return self.axes.encode(self.axes.domain.clip(self.axes.domain.middle[None]))

    def uniform(self, n: int) -> FloatArray:
        """Points uniform on the domain."""
        return self.axes.uniform(n, self.rng)

    def near(self, n: int) -> FloatArray:
        """Points each coordinate of which comes from one of two rows of the data, or lies beside its value there.

        It lies anywhere between the next smaller and the next greater value of the data, as values of further rows do:
        a step that begins and ends between two values is met. Uniform points if there are no data.
        """
        if self.pool is None:
            return self.uniform(n)
        some = self.rng.integers(len(self.pool), size=2 * n)
        one, other = np.split(self.axes.encode(self.pool[some]), 2)
        Z = np.where(self.rng.random(one.shape) < self.rng.random((n, 1)), one, other)
        return np.where(self.rng.random(Z.shape) < self.rng.random((n, 1)), self._beside(Z), Z)

    def _beside(self, Z: FloatArray) -> FloatArray:
        """The points with each coordinate moved to somewhere between its neighbours in the data."""
        assert self.pool is not None
        axes = self.axes
        if self._values is None:
            columns = axes.encode(self.pool).T
            ends = zip(columns, axes.lower, axes.upper, strict=True)
            self._values = [np.unique([low, *column[column != MISSING], high]) for column, low, high in ends]
        moved = Z.copy()
        for axis, values in enumerate(self._values):
            there = np.flatnonzero(Z[:, axis] != MISSING)
            at = np.searchsorted(values, Z[there, axis])
            low, high = values[np.maximum(at - 1, 0)], values[np.minimum(at + 1, len(values) - 1)]
            inside = low + self.rng.random(len(there)) * (high - low)
            moved[there, axis] = np.round(inside) if axes.whole[axis] else axes.number(inside)
        return moved

    def points(self, n: int, total: BoxSum) -> FloatArray:
        """``n`` points of the three kinds in turn, none of them between the two ends of a step.

        Every third is near the data, so that a bound for all of them is one for these, thrice as large.
        """
        Z = self.near(n)
        Z[1::3] = self.in_cells(len(Z[1::3]), total)
        corners = self.in_cells(len(Z[2::6]), total)
        which = self.rng.random(corners.shape)
        corners = np.where(which < CORNER / 2, self.axes.first, corners)
        Z[2::6] = np.where((which >= CORNER / 2) & (which < CORNER), self.axes.upper, corners)
        Z[5::6] = self.uniform(len(Z[5::6]))
        return total.thresholds.outside(Z)

    def in_boxes(self, terms: Sequence[Conditions], total: BoxSum) -> FloatArray:
        """A point in the box of each term, in random cells of it.

        What is missing of a tree is mostly a node below one that is known, in a box that random points seldom meet.
        """
        Z = self.in_cells(len(terms), total)
        for z, term in zip(Z, terms, strict=True):
            for axis in {step.axis for step, _ in term}:
                own = [(step, side) for step, side in term if step.axis == axis]
                low = max([step.above for step, side in own if side > 0], default=self.axes.first[axis])
                high = min([step.below for step, side in own if side < 0], default=self.axes.upper[axis])
                steps = [step for step in total.thresholds.by_axis[axis] if low < step.above <= high]
                cell = self.rng.integers(len(steps) + 1)
                low = steps[cell - 1].above if cell else low
                high = steps[cell].below if cell < len(steps) else high
                if np.isfinite(low):
                    inside = low + self.rng.random() * (high - low)
                    low = np.round(inside) if self.axes.whole[axis] else self.axes.number(np.array([inside]))[0]
                z[axis] = low
        return total.thresholds.outside(Z)

    def in_cells(self, n: int, total: BoxSum, edge: float = EDGE) -> FloatArray:
        """Points with each coordinate in a random cell, a share ``edge`` of them next to a step."""
        Z = self.uniform(n)
        for axis, steps in enumerate(total.thresholds.by_axis):
            if not steps:
                continue
            finite = [s for s in steps if s.below != MISSING]
            low = np.array([self.axes.lower[axis], *(s.above for s in finite)])
            high = np.array([*(s.below for s in finite), self.axes.upper[axis]])
            cell = self.rng.integers(len(low), size=n)
            share = self.rng.random(n)
            share = np.where(self.rng.random(n) < edge, np.round(share), share)
            inside = np.where(share == 1, high[cell], low[cell] + share * (high[cell] - low[cell]))
            inside = np.round(inside) if self.axes.whole[axis] else self.axes.number(inside)
            Z[:, axis] = np.where(Z[:, axis] == MISSING, MISSING, inside)
        return Z
