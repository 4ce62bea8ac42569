"""When the box of the ratios is small enough, and which intervals to halve until it is."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from mex.types import Array, FloatArray
from mex_pivot.box import Box
from mex_pivot.search import Goal

DRAWS = 400
"""Draws from the posterior by which P(error <= eps) is estimated."""

LEVELS = 4
"""How many halvings of one interval are planned ahead."""


class HalvingPlan:
    """Plans the halvings that reach the goal; in flat intervals they do not depend on the answers.

    Interval j contributes its ``size`` to the squared error: the posterior variance of ratio j orthogonal to w*, or for
    a certificate the square of half its width. A halving divides it by four, so the largest is halved first.
    """

    def __init__(self, goal: Goal, rng: np.random.Generator) -> None:
        self._goal = goal
        self._rng = rng
        self._u: FloatArray = np.empty((0, 0))  # uniform numbers, the same for all estimates of a probability

    def centre(self, box: Box) -> FloatArray:
        """The estimate of the ratios, shape (m,)."""
        middle = self._goal.stop == "certified" and np.isfinite(box.high).all()
        return np.asarray(box.side * ((box.low + box.high) / 2 if middle else box.mean))

    def size(self, box: Box) -> FloatArray:
        """The contribution of each interval to the squared error, shape (m,)."""
        square = self.centre(box) ** 2
        length = 1 + square.sum()
        if self._goal.stop == "certified":
            size = box.width**2 / (4 * length)
        else:  # a step along others_j moves the unit normal by its component orthogonal to w*
            size = (1 - square / length) * box.variance / length
        return np.where(box.side == 0, np.inf, size)

    def halvings(self, box: Box, size: FloatArray) -> Array:
        """The fewest halvings of each interval that reach the goal, shape (m,)."""
        m = len(size)
        order = np.argsort((np.arange(LEVELS)[:, None] * 2 - np.log2(size)).ravel(), kind="stable") % m
        reached = self._criterion(box, size)
        low, high = -1, len(order)
        while high - low > 1:
            n = (low + high) // 2
            low, high = (low, n) if reached(np.bincount(order[:n], minlength=m)) else (n, high)
        return np.bincount(order[:high], minlength=m)

    def _criterion(self, box: Box, size: FloatArray) -> Callable[[Array], bool]:
        """A function that tells whether the goal is reached after given halvings, shape (m,)."""
        eps = self._goal.eps
        if self._goal.stop == "confidence":
            return self._confident(box)
        # The ball of radius r around a vector of length 1 spans an angle of asin(r) to either side.
        limit = eps if self._goal.stop == "rms" else math.sin(min(2 * math.asin(eps / 2), math.pi / 2))
        return lambda halvings: float((size * 0.25**halvings).sum()) <= limit**2

    def _confident(self, box: Box) -> Callable[[Array], bool]:
        """The same for the goal ``confidence``, by draws from the posterior."""
        if self._u.size == 0:
            self._u = self._rng.random((DRAWS, len(box.mean)))
        residuals = box.residuals(self._u, self._rng)
        squares, length = residuals**2, 1 + box.mean @ box.mean

        def reached(halvings: Array) -> bool:
            shrink = 0.5**halvings
            step, along = squares @ shrink**2, residuals @ (box.mean * shrink)
            drawn = length + 2 * along + step
            sine2 = (length * step - along**2) / (length * drawn)
            error2 = 2 * sine2 / (1 + (length + along) / np.sqrt(length * drawn))
            return float(np.mean(error2 <= self._goal.eps**2)) >= self._goal.confidence

        return reached
