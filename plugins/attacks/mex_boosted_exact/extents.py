"""Finding the box on which a mixed difference is constant: all other axes move until it changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from mex.types import Array, FloatArray
from mex_boosted_exact.differences import COARSE, Difference
from mex_boosted_exact.paths import Path, Told, before, beyond
from mex_boosted_exact.search import Finding, Searcher
from mex_boosted_exact.tasks import Box, Gates, Task
from mex_boosted_exact.thresholds import Step

TRIES = 3
"""How often nodes below one are sought at the same place."""
ENOUGH, AGAIN = 10, 0.1
"""After how many boxes of the most conditions others are taken to have no more, and how often that is tried again."""

Again: TypeAlias = Callable[[FloatArray, int | None], tuple[FloatArray, FloatArray, FloatArray]]
"""Residuals of points asked before by a version of the sum, their errors, and those of the scores alone."""
Below: TypeAlias = Callable[[Task, Difference, FloatArray, Step, Gates, bool], Finding[bool]]
"""Peels what makes a difference change at a step, beyond which something is left of it or not; whether it could."""


class Extents:
    """Finds how far boxes reach.

    Attributes:
        sizes: how many boxes, found by moving all axes, have so many conditions.
        blocked: how many moves were given up because answers there are too coarse.
    """

    def __init__(self, search: Searcher, again: Again, below: Below) -> None:
        self.blocked = 0
        self._search = search
        self._again = again
        self._below = below
        self.sizes = Counter[int]()

    def find(self, task: Task, box: Box, hints: Gates) -> Finding[bool]:
        """Find the gates of a box; its jump is 0 afterwards if nothing is left of it.

        Returns whether it has no more gates than were hinted, as one row at a corner of it told.
        """
        yield from self._hinted(task, box, hints)
        whole = box.jump != 0 and self._complete(box) and (yield from self._reaches(box))
        for direction in (-1, 1) if self._search.rng.random() < 0.5 else (1, -1):
            if box.jump != 0 and not whole:
                yield from self._extend(task, box, direction, hints)
        return whole

    def _hinted(self, task: Task, box: Box, hints: Gates) -> Finding[None]:
        """Find out which hints are gates."""
        for (axis, direction), step in hints.items():
            up = direction > 0
            if box.jump and axis not in box.difference.axes and _ahead(before(step, up), box.z[axis], up):
                yield from self._settle(task, box, axis, direction, step, hints)

    def _complete(self, box: Box) -> bool:
        """Whether most boxes have no more conditions than this one, so that it is likely to have no other."""
        most = max(self.sizes, default=0)
        return box.size >= most and self.sizes[most] >= ENOUGH and self._search.rng.random() > AGAIN

    def _reaches(self, box: Box) -> Finding[bool]:
        """Whether the difference is the same at some corner of the box."""
        which = self._search.rng.random(len(box.z)) < 0.5
        corner = np.where(which, self._goal(box, -1), self._goal(box, 1))
        if (yield from box.difference.like(corner, box.jump)):
            box.z[:] = corner
            return True
        return False

    def _goal(self, box: Box, direction: int) -> FloatArray:
        """The corner to which the box may extend in a direction."""
        axes = self._search.axes
        goal = (axes.upper if direction > 0 else axes.first).copy()
        for axis in box.difference.axes:
            goal[axis] = box.z[axis]
        for axis, sign in box.stuck:
            if sign == direction:
                goal[axis] = box.z[axis]
        for (axis, sign), step in box.gates.items():
            if sign == direction:
                place = before(step, direction > 0)
                goal[axis] = place if _ahead(place, box.z[axis], direction > 0) else box.z[axis]
        return goal

    def _extend(self, task: Task, box: Box, direction: int, hints: Gates) -> Finding[None]:
        """Move to the end of the box, all axes in one direction, and note where that is."""
        search, order = self._search, self._search.rng.permutation(len(box.z))
        box.known.clear()
        goal = self._goal(box, direction)
        while (yield from self._refreshed(task, box)):
            if len(moved := order[box.z[order] != goal[order]]) == 0:
                return
            told = self._recall(box, goal, moved)
            change = yield from search.change(box.difference, box.z, goal, moved, box.jump, told)
            box.known |= told.keys()
            if change is None:
                box.z[:] = goal
                return
            box.z[:] = change.z
            if change.step is None:
                self.blocked += 1
                box.stuck.add((change.axis, direction))
            else:
                yield from self._settle(task, box, change.axis, direction, change.step, hints)
            if not np.array_equal(goal, goal := self._goal(box, direction)):
                box.known.clear()

    def _refreshed(self, task: Task, box: Box) -> Finding[bool]:
        """Whether something is left of a box, by the sum as it is now and with the steps known now."""
        task.version = len(self._search.total)
        z = self._search.total.thresholds.outside(box.z[None])[0]
        if not np.array_equal(z, box.z):
            box.z[:] = z
            box.known.clear()
        there, error = yield from box.difference.at(box.z)
        if abs(there - box.jump) > 2 * error:
            box.jump, box.stale = 0.0, True
        return box.jump != 0

    def _recall(self, box: Box, goal: FloatArray, order: Array) -> Told:
        """What is known now of the places on the way to a goal that were asked before."""
        if not box.known:
            return {}
        path = Path(self._search.total.thresholds, box.z, goal, order, self._search.new, {})
        places = [n for n in range(1, len(path) + 1) if path.place(n) in box.known]
        if not places:
            return {}
        rows = np.concatenate([box.difference.rows(path.point(n)) for n in places])
        told = [part.reshape(len(places), -1) for part in self._again(rows, None)[:2]]
        same = [box.difference.alike(residuals, errors, box.jump) for residuals, errors in zip(*told, strict=True)]
        return {path.place(n): alike for n, alike in zip(places, same, strict=True)}

    def _settle(self, task: Task, box: Box, axis: int, direction: int, step: Step, hints: Gates) -> Finding[None]:
        """Find out what a step is to a box: a gate of it, or where something is below, which is peeled, or neither."""
        far = box.z.copy()
        far[axis] = beyond(step, direction > 0)
        there, error = yield from box.difference.at(far)
        if error > abs(box.jump) / COARSE:
            self.blocked += 1
            box.stuck.add((axis, direction))
            return
        if abs(there - box.jump) <= 2 * error:
            return
        box.tries[step] += 1
        at = box.z.copy()
        at[axis] = before(step, direction > 0)
        if box.tries[step] <= TRIES and (
            yield from self._below(task, box.difference, at, step, {**hints, **box.gates}, there != 0)
        ):
            task.version = len(self._search.total)
            box.jump, _ = yield from box.difference.at(box.z)
            return
        box.gates[axis, direction] = step


def _ahead(place: float, at: float, up: bool) -> bool:
    """Whether a place is where one is, or further on the way up or down."""
    return bool(place >= at if up else place <= at)
