"""Peeling: the residual of a sum of trees is searched for nodes whose effect is constant, which are then taken off.

Let v be a node whose children are leaves, on the box B of its ancestors. Across its step the sum of trees jumps by
r 1[B], so that the term r 1[right of v] 1[B] makes v a leaf, and n nodes take at most n terms, from the leaves up. The
box is found by moving all other axes until the jump changes. If the jump ends at a step u, u is an ancestor: a *gate*.
If it goes on beyond u as another and u itself has no effect on one side of v, u is below v and is peeled first.
Otherwise v and u share steps with other nodes, and the mixed difference over both is peeled, which isolates the nodes
below both. A term that is wrong is only dear: rows at which something is left of the residual show it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable

import numpy as np

from mex.types import Array, FloatArray
from mex_boosted_exact.differences import COARSE, Difference
from mex_boosted_exact.paths import Path, Told, before, beyond
from mex_boosted_exact.search import Finding, Searcher
from mex_boosted_exact.tasks import Above, Box, Gates, Task
from mex_boosted_exact.thresholds import Step

MOST_STEPS = 7
"""The most steps of one mixed difference: it takes a row for each of the 2^n corners."""
TRIES = 3
"""How often nodes below one are sought at the same place."""
ENOUGH, AGAIN = 10, 0.1
"""After how many boxes of the most conditions others are taken to have no more, and how often that is tried again."""


class Peeler:
    """Peels tasks; what it finds it adds to the sum of its searcher.

    Attributes:
        search: the searcher.
        again: residuals of points asked before by a version of the sum, their errors, and those of the scores alone.
        blocked: how many moves were given up because answers there are too coarse.
    """

    def __init__(
        self,
        search: Searcher,
        again: Callable[[FloatArray, int | None], tuple[FloatArray, FloatArray, FloatArray]],
    ) -> None:
        self.search = search
        self.again = again
        self._boxes = defaultdict[tuple[Step, ...], list[Box]](list)  # those under way, by their steps
        self.blocked = 0
        self._sizes = Counter[int]()

    def climb(self, task: Task, step: Step, z: FloatArray) -> Finding[None]:
        """Peel what is at a step, and then what is above it."""
        task.above.append(Above(step, z, {}))
        while task.above:
            next_one = task.above.pop()
            yield from self.peel(task, (next_one.step,), next_one.z, next_one.hints)

    def peel(self, task: Task, steps: tuple[Step, ...], z: FloatArray, hints: Gates) -> Finding[None]:
        """Take the mixed difference over ``steps`` off, at the point ``z`` and on the box around it."""
        difference = Difference(steps)
        task.path += steps
        while True:
            task.version = len(self.search.total)
            z = self.search.total.thresholds.outside(z[None])[0]
            jump, error = yield from difference.at(z)
            if jump == 0:
                break
            box = Box(task, difference, z.copy(), jump)
            if (other := self._same(box, error)) is not None:
                task.awaited = other.task
                yield z[None][:0]
                task.awaited = None
                continue
            self._boxes[steps].append(box)
            done = yield from self._take_off(task, box, hints)
            self._boxes[steps].remove(box)
            if done:
                break
        del task.path[len(task.path) - len(steps) :]

    def _same(self, box: Box, error: float) -> Box | None:
        """The same box, if another task is at it that does not wait for this one."""
        for other in self._boxes[box.difference.steps]:
            if other.task is not box.task and abs(abs(other.jump) - abs(box.jump)) <= 2 * error:
                awaited: Task | None = other.task
                while awaited is not None and awaited is not box.task:
                    awaited = awaited.awaited
                if awaited is None:
                    return other
        return None

    def _take_off(self, task: Task, box: Box, hints: Gates) -> Finding[bool]:
        """Whether nothing is left of a box, or a term was added; else another task has changed it meanwhile."""
        yield from self._hinted(task, box, hints)
        whole = box.jump != 0 and self._complete(box) and (yield from self._reaches(box))
        for direction in (-1, 1) if self.search.rng.random() < 0.5 else (1, -1):
            if box.jump != 0 and not whole:
                yield from self._extend(task, box, direction, hints)
        if box.jump == 0:
            return not box.stale
        residuals, errors, _ = self.again(box.difference.rows(box.z), None)
        if not box.difference.alike(residuals, errors, box.jump):
            return False
        self._sizes[box.size] += not whole
        self._add(task, box.difference, box.z, box.jump, box.gates)
        return True

    def _complete(self, box: Box) -> bool:
        """Whether most boxes have no more conditions than this one, so that it is likely to have no other."""
        most = max(self._sizes, default=0)
        return box.size >= most and self._sizes[most] >= ENOUGH and self.search.rng.random() > AGAIN

    def _goal(self, box: Box, direction: int) -> FloatArray:
        """The corner to which the box may extend in a direction."""
        axes = self.search.axes
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

    def _reaches(self, box: Box) -> Finding[bool]:
        """Whether the difference is the same at some corner of the box."""
        which = self.search.rng.random(len(box.z)) < 0.5
        corner = np.where(which, self._goal(box, -1), self._goal(box, 1))
        if (yield from box.difference.like(corner, box.jump)):
            box.z[:] = corner
            return True
        return False

    def _hinted(self, task: Task, box: Box, hints: Gates) -> Finding[None]:
        """Find out which hints are gates."""
        for (axis, direction), step in hints.items():
            up = direction > 0
            if box.jump and axis not in box.difference.axes and _ahead(before(step, up), box.z[axis], up):
                yield from self._settle(task, box, axis, direction, step, hints)

    def _extend(self, task: Task, box: Box, direction: int, hints: Gates) -> Finding[None]:
        """Move to the end of the box, all axes in one direction, and note where that is."""
        search, order = self.search, self.search.rng.permutation(len(box.z))
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
        task.version = len(self.search.total)
        z = self.search.total.thresholds.outside(box.z[None])[0]
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
        path = Path(self.search.total.thresholds, box.z, goal, order, self.search.new, {})
        places = [n for n in range(1, len(path) + 1) if path.place(n) in box.known]
        if not places:
            return {}
        rows = np.concatenate([box.difference.rows(path.point(n)) for n in places])
        told = [part.reshape(len(places), -1) for part in self.again(rows, None)[:2]]
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
        if there != 0:
            box.tries[step] += 1
            at = box.z.copy()
            at[axis] = before(step, direction > 0)
            if box.tries[step] <= TRIES and (
                yield from self._below(task, box.difference, at, step, {**hints, **box.gates})
            ):
                task.version = len(self.search.total)
                box.jump, _ = yield from box.difference.at(box.z)
                return
        box.gates[axis, direction] = step

    def _below(self, task: Task, difference: Difference, z: FloatArray, step: Step, hints: Gates) -> Finding[bool]:
        """Peel what makes the difference change at a step: a node below, or the mixed difference over that as well."""
        other = Difference((step,))
        corners = difference.rows(z)
        rows = np.concatenate([other.rows(corner) for corner in corners])
        residuals, errors = yield rows
        there = [other.of(r, e)[0] for r, e in zip(residuals.reshape(-1, 2), errors.reshape(-1, 2), strict=True)]
        hints = {key: gate for key, gate in hints.items() if key[0] != step.axis}
        if 0.0 in there and any(there) and step not in task.path[: -len(difference.steps)]:
            best = int(np.argmax(np.abs(there)))
            for own, right in zip(difference.steps, difference.corners[best], strict=True):
                hints[own.axis, -1 if right else 1] = own
            yield from self.peel(task, (step,), corners[best], hints)
            return True
        if len(difference.steps) == MOST_STEPS or step.axis in difference.axes:
            return False
        yield from self.peel(task, (*difference.steps, step), z, hints)
        return True

    def _add(self, task: Task, difference: Difference, z: FloatArray, jump: float, gates: Gates) -> None:
        """Add the term of a difference on its box, and leave its gates to be peeled next."""
        residuals, errors, rounding = self.again(difference.rows(z), None)
        corner = self._corner(difference, residuals, errors)
        sides = [1 if right else -1 for right in difference.corners[corner]]
        own = tuple(zip(difference.steps, sides, strict=True))
        box = tuple((step, -direction) for (_, direction), step in gates.items())
        self.search.total.add(jump * float(np.prod(sides)), float(rounding @ rounding), own + box)
        z = difference.rows(z)[-1]
        for (axis, _), step in gates.items():
            others = {key: gate for key, gate in gates.items() if key[0] != axis}
            task.above.append(Above(step, z, others))

    def _corner(self, difference: Difference, residuals: FloatArray, errors: FloatArray) -> int:
        """The corner that the term is put on: where something is left, though nothing is across its steps."""
        left = np.abs(residuals) > errors
        n = len(difference.steps)
        neighbours = np.arange(1 << n)[:, None] ^ (1 << np.arange(n))
        away = (difference.corners == [self.search.origin[s.axis] < s.above for s in difference.steps]).sum(axis=1)
        return int(np.argmax(left * 10000 + (~left[neighbours]).sum(axis=1) * 100 + away))


def _ahead(place: float, at: float, up: bool) -> bool:
    """Whether a place is where one is, or further on the way up or down."""
    return bool(place >= at if up else place <= at)
