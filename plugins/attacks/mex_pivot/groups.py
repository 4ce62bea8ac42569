"""Queries that check several ratios at once for gross errors."""

from __future__ import annotations

import attrs
import numpy as np

from mex.types import Array, BoolArray, FloatArray
from mex_pivot.bisection import Posteriors, Step
from mex_pivot.frame import Frame

WINDOW = 0.6
"""An error of one ratio beyond this share of the error allowed is gross."""

SPREAD = 0.3
"""Standard deviation of a group's sum, as a share of the error allowed, up to which ratios join it."""

OUTLIERS = 0.3
"""Expected number of gross errors in a group up to which ratios join it."""


@attrs.define(eq=False)
class Ratios:
    """What the posteriors say of each ratio, each of shape (m,); errors are shares of the error allowed.

    Attributes:
        centre: the estimate, in units of the ratio.
        unit: the error that one unit of the ratio makes.
        variance, fourth: central moments of the error where it is not gross.
        left, right: probabilities that the ratio is grossly below and above the centre.
        median: the posterior median, in units of the ratio.
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
        """Before any answer."""
        return cls(*(np.zeros(m) for _ in attrs.fields(cls)))

    def update(self, posteriors: Posteriors, rows: Array, eps: float) -> None:
        """Look again at the posteriors of ``rows``."""
        self.median[rows] = posteriors.quantile(rows, 0.5)
        square = self.median**2
        length = 1 + square.sum()
        # A step along others_j moves the unit normal by the part of it that is across w*.
        self.unit = np.sqrt(np.maximum(1 - square / length, 1e-12) / length) / eps
        unit = self.unit[rows]
        window = posteriors.window(rows, self.median[rows], WINDOW / unit)
        offset = window.first / np.maximum(window.inside, 1e-12)
        self.centre[rows] = self.median[rows] + offset
        self.variance[rows] = unit**2 * np.maximum(window.second - offset * window.first, 0)
        self.fourth[rows] = unit**4 * window.fourth
        self.left[rows], self.right[rows] = window.left, window.right


@attrs.frozen(eq=False)
class Groups:
    """One query per group: is the sum of its ratios' errors, each towards its heavier tail, above a bound?

    Single errors within the bulk of their posteriors add up to less than the bound, a gross one to more: so
    one answer speaks for all its members, as in group testing. Its likelihood as a function of each ratio is
    exact up to a normal approximation for the bulk of the others; what the answer says of the ratios jointly
    is dropped.
    """

    rows: Array
    group: Array
    side: FloatArray
    bound: FloatArray
    ratios: Ratios

    @classmethod
    def of(cls, ratios: Ratios, rows: Array, rng: np.random.Generator) -> Groups:
        """Group ``rows`` at random, so that the same ratios do not stay together, as far as bulks allow."""
        rows = rng.permutation(rows)
        load = ratios.variance[rows] / SPREAD**2 + (ratios.left[rows] + ratios.right[rows]) / OUTLIERS
        group = np.unique(np.floor(np.cumsum(load)), return_inverse=True)[1]
        spread = np.sqrt(np.bincount(group, ratios.variance[rows]))
        # Far from the bulk, yet inside the window; and a fresh real number each time, for noise that sticks.
        bound = np.clip(1.7 * spread, 0.5 * WINDOW, 0.8 * WINDOW) * rng.uniform(0.95, 1.05, len(spread))
        return cls(rows, group, np.where(ratios.right[rows] > ratios.left[rows], 1.0, -1.0), bound, ratios)

    def directions(self, frame: Frame) -> FloatArray:
        """The queries, shape (number of groups, d)."""
        weight = self.side * self.ratios.unit[self.rows]
        asked = -np.multiply.outer(self.bound, frame.pivot)
        np.add.at(asked, self.group, weight[:, None] * frame.directions(self.rows, self.ratios.centre[self.rows]))
        return asked

    def tell(self, posteriors: Posteriors, yes: BoolArray) -> None:
        """Take the answers, shape (number of groups,)."""
        r, rows = self.ratios, self.rows
        right = self.side > 0
        towards = np.where(right, r.right[rows], r.left[rows])
        away = np.where(right, r.left[rows], r.right[rows])
        blur = np.sqrt(self._others(r.variance[rows])) / r.unit[rows]
        t = r.centre[rows] + self.side * self.bound[self.group] / r.unit[rows]
        step = Step(t, self.side, blur, np.minimum(self._others(towards), 0.45), np.minimum(self._others(away), 0.45))
        posteriors.tell(rows, step, yes[self.group])

    def _others(self, values: FloatArray) -> FloatArray:
        """For each member the sum of ``values`` over the other members of its group."""
        alone = np.bincount(self.group)[self.group] == 1
        return np.where(alone, 0.0, np.maximum(np.bincount(self.group, values)[self.group] - values, 0.0))
