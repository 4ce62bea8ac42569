"""Ratio bisection when answers are never wrong."""

from __future__ import annotations

import math
from collections.abc import Generator

import numpy as np

from mex.types import Array, BoolArray, FloatArray
from mex_pivot.box import Box
from mex_pivot.frame import Frame
from mex_pivot.search import UNBOUNDED, Goal, Search
from mex_pivot.stopping import Stop


class ExactSearch(Search):
    """Halves the interval of the ratio that adds most to the error, until the box meets the goal.

    While s is uncertain each answer moves the medians of all other ratios, so in ``sequential`` mode few
    are asked at a time; once intervals are flat, asking any number together costs nothing.

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
        self._stop = Stop(goal, rng)
        # Ratios asked together at first, and how many answers about s let one more join.
        self._together, self._patience = (1, 8.0) if mode == "sequential" else (4, 0.25)
        self._box: Box | None = None

    def _ratios(self) -> FloatArray:
        return np.zeros(self._d - 1) if self._box is None else self._stop.centre(self._box)

    def _attempt(self, rows: FloatArray) -> Generator[FloatArray, Array, str]:
        self._frame = self._box = None
        signs = yield rows[:2]
        self._first = signs[0] * rows[0]
        if self._d == 1:
            return ""
        # Two signs leave a quadrant of the first plane, a third one half of that. With the pivot in the middle
        # of it the first ratio is known to within tan(pi/8), and the pivot is larger than a basis vector would be.
        start = Frame(signs[0] * rows[0], np.concatenate([signs[1] * rows[1:2], rows[2:]])).turned(math.pi / 4)
        signs = yield start.others
        self._frame = start.turned(signs[0] * math.pi / 8)
        side, high = np.concatenate([[0.0], signs[1:]]), np.full(self._d - 1, np.inf)
        high[0] = math.tan(math.pi / 8)
        self._box = Box(side, high)
        return (yield from self._bisect(self._frame, self._box))

    def _bisect(self, frame: Frame, box: Box) -> Generator[FloatArray, Array, str]:
        informative = 0
        while not self._unbounded(box.low):
            size = self._stop.size(box)
            wanted = size > 2 * self._goal.eps**2 / len(size)
            if not wanted.any():
                wanted = self._stop.halvings(box, size) > 0
                if not wanted.any():
                    return ""
            wanted &= self._separable(box)
            if not wanted.any():
                self.note = f"float64 does not separate weights to within eps = {self._goal.eps:g}"
                return ""
            curved = np.flatnonzero(wanted & ~box.flat)
            group = self._together + int(informative / self._patience)
            curved = curved[np.argsort(-size[curved], kind="stable")[:group]]
            informative += len(curved)
            rows = np.concatenate([np.flatnonzero(wanted & box.flat), curved])
            t = box.medians(rows)
            box.cut(rows, t, (yield frame.directions(rows, t)))
        return UNBOUNDED

    def _separable(self, box: Box) -> BoolArray:
        """Which intervals are longer than the rounding of <w*, x> at their bounds."""
        return np.asarray(box.width > 2.0**-51 * np.hypot(1, box.low) * math.sqrt(1 + box.mean @ box.mean))
