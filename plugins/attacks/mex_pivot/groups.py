"""Group queries, which test several ratios at once for gross errors."""

from __future__ import annotations

import attrs
import numpy as np

from mex.types import Array, BoolArray, FloatArray
from mex_pivot.answer_model import AnswerModel
from mex_pivot.frame import Frame
from mex_pivot.posteriors import Posteriors

WINDOW = 0.6
"""The error of a ratio is gross if it is larger than this share of the error allowed."""

SPREAD = 0.3
"""The largest standard deviation of the sum of a group's errors, as a share of the error allowed."""

OUTLIERS = 0.3
"""The largest expected number of gross errors in a group."""


@attrs.define(eq=False)
class Ratios:
    """Summaries of the posteriors, each of shape (m,); errors are in units of the error allowed.

    Attributes:
        centre: the estimate of the ratio.
        unit: the error of the unit normal per unit of the ratio.
        variance, fourth: the second and fourth moment of the error where it is not gross.
        left, right: probabilities that the ratio is grossly below and above the centre.
        median: the posterior median of the ratio.
    """

    centre: FloatArray
    unit: FloatArray
    variance: FloatArray
    fourth: FloatArray
    left: FloatArray
    right: FloatArray
    median: FloatArray

    @classmethod
    def unknown(cls, m: int) -> Ratios:
        """Before the first answer."""
        return cls(*(np.zeros(m) for _ in attrs.fields(cls)))

    def update(self, posteriors: Posteriors, rows: Array, eps: float) -> None:
        """Update the summaries of ``rows``; ``eps`` is the error allowed."""
        self.median[rows] = posteriors.quantile(rows, 0.5)
        square = self.median**2
        length = 1 + square.sum()
        # A step along others_j moves the unit normal by its component orthogonal to w*.
        self.unit = np.sqrt(np.maximum(1 - square / length, 1e-12) / length) / eps
        unit = self.unit[rows]
        window = posteriors.window(rows, self.median[rows], WINDOW / unit)
        offset = window.first / np.maximum(window.inside, 1e-12)
        self.centre[rows] = self.median[rows] + offset
        self.variance[rows] = unit**2 * np.maximum(window.second - offset * window.first, 0)
        self.fourth[rows] = unit**4 * window.fourth
        self.left[rows] = window.left
        self.right[rows] = window.right


@attrs.frozen(eq=False)
class Groups:
    """One query per group: whether the sum of its ratios' errors, each towards its heavier tail, is above a bound.

    Errors that are not gross add up to less than the bound, a gross one exceeds it, so that one answer tests all
    members, as in group testing. The likelihood of the answer as a function of each ratio is exact up to a normal
    approximation for the others; dependences between the ratios are dropped.

    Attributes:
        rows: the ratios in groups, shape (n,).
        group: the group of each, shape (n,).
        side: the sign of its heavier tail, shape (n,).
        bound: the bound of each group, shape (number of groups,).
        ratios: the summaries.
    """

    rows: Array
    group: Array
    side: FloatArray
    bound: FloatArray
    ratios: Ratios

    @classmethod
    def of(cls, ratios: Ratios, rows: Array, rng: np.random.Generator) -> Groups:
        """Group ``rows`` at random, each group up to :data:`SPREAD` and :data:`OUTLIERS`."""
        rows = rng.permutation(rows)
        load = ratios.variance[rows] / SPREAD**2 + (ratios.left[rows] + ratios.right[rows]) / OUTLIERS
        group = np.unique(np.floor(np.cumsum(load)), return_inverse=True)[1]
        spread = np.sqrt(np.bincount(group, ratios.variance[rows]))
        # Beyond the bulk, yet inside the window; and random, so that sticky noise does not repeat itself.
        bound = np.clip(1.7 * spread, 0.5 * WINDOW, 0.8 * WINDOW) * rng.uniform(0.95, 1.05, len(spread))
        return cls(rows, group, np.where(ratios.right[rows] > ratios.left[rows], 1.0, -1.0), bound, ratios)

    def directions(self, frame: Frame) -> FloatArray:
        """The directions to ask, shape (number of groups, d)."""
        weight = self.side * self.ratios.unit[self.rows]
        V = -np.multiply.outer(self.bound, frame.pivot)
        np.add.at(V, self.group, weight[:, None] * frame.directions(self.rows, self.ratios.centre[self.rows]))
        return V

    def tell(self, posteriors: Posteriors, yes: BoolArray) -> None:
        """Take the answers, shape (number of groups,)."""
        r, rows = self.ratios, self.rows
        right = self.side > 0
        towards = np.where(right, r.right[rows], r.left[rows])
        away = np.where(right, r.left[rows], r.right[rows])
        blur = np.sqrt(self._others(r.variance[rows])) / r.unit[rows]
        t = r.centre[rows] + self.side * self.bound[self.group] / r.unit[rows]
        yes_forced, no_forced = np.minimum(self._others(towards), 0.45), np.minimum(self._others(away), 0.45)
        posteriors.tell(rows, AnswerModel(t, self.side, blur, yes_forced, no_forced), yes[self.group])

    def _others(self, values: FloatArray) -> FloatArray:
        """The sum of ``values`` over the other members of each one's group, shape (n,)."""
        alone = np.bincount(self.group)[self.group] == 1
        return np.where(alone, 0.0, np.maximum(np.bincount(self.group, values)[self.group] - values, 0.0))
