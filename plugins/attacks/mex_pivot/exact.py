"""Ratio bisection when answers are right."""

from __future__ import annotations

import math
from collections.abc import Generator

import numpy as np

from mex.types import Array, BoolArray, FloatArray
from mex_pivot.box import Box
from mex_pivot.frame import Frame
from mex_pivot.search import UNBOUNDED, Goal, RatioSearch
from mex_pivot.stopping import HalvingPlan


class ExactSearch(RatioSearch):
    """Halves the intervals of the ratios that contribute most to the error, until the goal is reached.

    While s is uncertain each answer changes the medians of all other ratios, so ``sequential`` mode asks few at a time;
    once intervals are flat (:class:`.Box`) any number can be asked in one batch at no loss.

    >>> goal = Goal(eps=0.01, stop="confidence", confidence=0.9)
    >>> rng = np.random.default_rng(0)
    >>> w = np.array([0.6, 0.0, -0.8])
    >>> search = ExactSearch(3, goal, "random", "sequential", rng)
    >>> while (X := search.ask()) is not None:
    ...     search.tell(X, np.where(X @ w >= 0, 1.0, -1.0))
    >>> bool(np.linalg.norm(search.estimate() - w) <= 0.01)
    True
    """

    def __init__(self, d: int, goal: Goal, basis_kind: str, mode: str, rng: np.random.Generator) -> None:
        super().__init__(d, goal, basis_kind, rng)
        self._plan = HalvingPlan(goal, rng)
        # How many ratios are asked in one batch at first, and after how many answers one more is.
        self._first_batch, self._answers_per_more = (2, 4.0) if mode == "sequential" else (4, 0.25)
        self._box: Box | None = None

    def _ratios(self) -> FloatArray:
        return np.zeros(self._d - 1) if self._box is None else self._plan.centre(self._box)

    def _attempt(self, rows: FloatArray) -> Generator[FloatArray, Array, str]:
        self._frame = None
        self._box = None
        signs = yield rows[:2]
        self._first = signs[0] * rows[0]
        if self._d == 1:
            return ""
        # Three signs leave an angle of pi/4 in the plane of the first two basis vectors. With the pivot in its middle
        # the first ratio is within tan(pi/8), and <w*, pivot> is larger than for a basis vector.
        start = Frame(signs[0] * rows[0], np.concatenate([signs[1] * rows[1:2], rows[2:]])).rotated(math.pi / 4)
        signs = yield start.others
        self._frame = start.rotated(signs[0] * math.pi / 8)
        side = np.concatenate([[0.0], signs[1:]])
        high = np.full(self._d - 1, np.inf)
        high[0] = math.tan(math.pi / 8)
        self._box = Box(side, high)
        return (yield from self._bisect(self._frame, self._box))

    def _bisect(self, frame: Frame, box: Box) -> Generator[FloatArray, Array, str]:
        n_curved = 0  # answers about ratios whose intervals were not flat
        while not self._unbounded(box.low):
            size = self._plan.size(box)
            wanted = size > 2 * self._goal.eps**2 / len(size)
            if not wanted.any():
                wanted = self._plan.halvings(box, size) > 0
                if not wanted.any():
                    return ""
            wanted &= self._separable(box)
            if not wanted.any():
                self.note = f"float64 does not separate weights to within eps = {self._goal.eps:g}"
                return ""
            curved = np.flatnonzero(wanted & ~box.flat)
            batch = self._first_batch + int(n_curved / self._answers_per_more)
            curved = curved[np.argsort(-size[curved], kind="stable")[:batch]]
            n_curved += len(curved)
            rows = np.concatenate([np.flatnonzero(wanted & box.flat), curved])
            t = box.medians(rows)
            box.cut(rows, t, (yield frame.directions(rows, t)))
        return UNBOUNDED

    def _separable(self, box: Box) -> BoolArray:
        """Which intervals are longer than the rounding of <w*, x> at their bounds."""
        return np.asarray(box.width > 2.0**-51 * np.hypot(1, box.low) * math.sqrt(1 + box.mean @ box.mean))
