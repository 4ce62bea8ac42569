"""Peeling: the residual of a sum of trees is searched for nodes whose effect is constant, which are then taken off.

Let v be a node whose children are leaves, on the box B of its ancestors. Across its step the sum of trees jumps by
r 1[B], so that the term r 1[right of v] 1[B] makes v a leaf, and n nodes take at most n terms, from the leaves up. The
box is found by moving all other axes until the jump changes. If the jump ends at a step u, u is an ancestor: a *gate*.
If it goes on beyond u as another and u itself has no effect on one side of v, u is below v and is peeled first.
Otherwise v and u share steps with other nodes, and the mixed difference over both is peeled, which isolates the nodes
below both. A term that is wrong is only dear: rows at which something is left of the residual show it.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np

from mex.types import FloatArray
from mex_boosted_exact.differences import COARSE, Difference
from mex_boosted_exact.search import Finding, Searcher, before, beyond
from mex_boosted_exact.sums import Step

MOST_STEPS = 7
"""The most steps of one mixed difference: it takes a row for each of the 2^n corners."""
TRIES = 3
"""How often nodes below one are sought at the same place."""

Gates = dict[tuple[int, int], Step]
"""The step at which a box ends, by axis and direction: 1 up, -1 down."""


@attrs.define(eq=False)
class Task:
    """Something to peel, or a node above it.

    Attributes:
        steps: the steps whose mixed difference is to be peeled.
        z: a point at which it is not 0.
        hints: gates that it may have.
        version: of the sum, as how many terms, by which residuals are computed while this is under way.
        path: steps of the differences that are being peeled, each because of the next.
    """

    steps: tuple[Step, ...]
    z: FloatArray
    hints: Gates = attrs.field(factory=dict)
    version: int = 0
    path: list[Step] = attrs.field(factory=list)


class Peeler:
    """Peels tasks; what it finds it adds to the sum of its searcher.

    Attributes:
        search: the searcher.
        now: the residuals of points asked before by the sum as it is now, their errors, and those of the scores alone.
        left_over: called with each task that a term gives rise to.
        blocked: how many moves were given up because answers there are too coarse.
    """

    def __init__(
        self,
        search: Searcher,
        now: Callable[[FloatArray], tuple[FloatArray, FloatArray, FloatArray]],
        left_over: Callable[[Task], None],
    ) -> None:
        self.search = search
        self.now = now
        self.left_over = left_over
        self.blocked = 0
        self.origin = np.zeros(len(search.axes.units))

    def peel(self, task: Task, steps: tuple[Step, ...], z: FloatArray, hints: Gates) -> Finding[None]:
        """Take the mixed difference over ``steps`` off, at the point ``z`` and on the box around it."""
        difference, z = Difference(steps), z.copy()
        while True:
            task.version = len(self.search.total)
            jump, _ = yield from difference.at(z)
            if jump == 0:
                return
            gates: Gates = {}
            for direction in (-1, 1) if self.search.rng.random() < 0.5 else (1, -1):
                jump = yield from self._extend(task, difference, z, jump, direction, gates, hints)
                if jump == 0:
                    return
            there, error = difference.of(*self.now(difference.rows(z))[:2])
            if abs(there - jump) <= 2 * error:
                self._add(difference, z, jump, gates)
                return  # else another task has changed it meanwhile

    def _extend(
        self,
        task: Task,
        difference: Difference,
        z: FloatArray,
        jump: float,
        direction: int,
        gates: Gates,
        hints: Gates,
    ) -> Finding[float]:
        """Move ``z`` as far as the difference stays ``jump``, all axes in one direction, and note where that ends.

        Returned is the jump by the sum as it is then, which nodes below it may have changed; 0 if nothing is left.
        """
        up, axes, search = direction > 0, self.search.axes, self.search
        end, stuck = (axes.upper if up else axes.first), set[int](difference.axes)
        hinted = {
            axis: step
            for (axis, sign), step in hints.items()
            if sign == direction and axis not in stuck and _ahead(before(step, up), z[axis], up)
        }
        tries = dict[Step, int]()
        while True:
            goal = end.copy()
            for axis, step in hinted.items():
                goal[axis] = before(step, up)
            free = search.rng.permutation([k for k in np.flatnonzero(z != goal).tolist() if k not in stuck]).astype(int)
            hit: tuple[int, Step] | None = None
            if len(free):
                moved = z.copy()
                moved[free] = goal[free]
                if (yield from difference.like(moved, jump)):
                    z[:] = moved
                else:
                    near, far, axis = yield from search.halve(difference, z, goal, free, jump)
                    z[:] = near
                    if (yield from difference.like(far, jump)) is None:
                        self.blocked += 1
                        stuck.add(axis)
                        hinted.pop(axis, None)
                        continue
                    hit = axis, (yield from search.cross(difference, z, axis, goal[axis], jump))
            if hit is None:
                if not hinted:
                    return jump
                hit = hinted.popitem()
                if z[hit[0]] != before(hit[1], up):
                    continue
            axis, step = hit
            if _ahead(before(step, up), z[axis], up):
                z[axis] = before(step, up)
            far = z.copy()
            far[axis] = beyond(step, up)
            there, error = yield from difference.at(far)
            if error > abs(jump) / COARSE:
                self.blocked += 1
                stuck.add(axis)
                hinted.pop(axis, None)
                continue
            if abs(there - jump) <= 2 * error:
                continue  # a hint that is no gate of this one
            if there != 0:
                tries[step] = tries.get(step, 0) + 1
                if tries[step] <= TRIES and (yield from self._below(task, difference, z, step, {**hints, **gates})):
                    task.version = len(search.total)
                    jump, _ = yield from difference.at(z)
                    if jump == 0:
                        return 0.0
                    continue
            gates[axis, direction] = step
            stuck.add(axis)
            hinted.pop(axis, None)

    def _below(self, task: Task, difference: Difference, z: FloatArray, step: Step, hints: Gates) -> Finding[bool]:
        """Peel what makes the difference change at a step: a node below, or the mixed difference over that as well."""
        other = Difference((step,))
        corners = difference.rows(z)
        rows = np.concatenate([other.rows(corner) for corner in corners])
        residuals, errors = yield rows
        there = [other.of(r, e)[0] for r, e in zip(residuals.reshape(-1, 2), errors.reshape(-1, 2), strict=True)]
        hints = {key: gate for key, gate in hints.items() if key[0] != step.axis}
        if 0.0 in there and any(there) and step not in task.path:
            best = int(np.argmax(np.abs(there)))
            for own, right in zip(difference.steps, difference.corners[best], strict=True):
                hints[own.axis, -1 if right else 1] = own
            task.path += difference.steps
            yield from self.peel(task, (step,), corners[best], hints)
            del task.path[len(task.path) - len(difference.steps) :]
            return True
        if len(difference.steps) == MOST_STEPS or step.axis in difference.axes:
            return False
        yield from self.peel(task, (*difference.steps, step), z, hints)
        return True

    def _add(self, difference: Difference, z: FloatArray, jump: float, gates: Gates) -> None:
        """Add the term of a difference on its box, and leave its gates to be peeled next."""
        residuals, errors, rounding = self.now(difference.rows(z))
        corner = self._corner(difference, residuals, errors)
        sides = [1 if right else -1 for right in difference.corners[corner]]
        own = tuple(zip(difference.steps, sides, strict=True))
        box = tuple((step, -direction) for (_, direction), step in gates.items())
        self.search.total.add(jump * float(np.prod(sides)), float(rounding @ rounding), own + box)
        z = difference.rows(z)[-1]
        for (axis, _), step in gates.items():
            others = {key: gate for key, gate in gates.items() if key[0] != axis}
            self.left_over(Task((step,), z.copy(), others))

    def _corner(self, difference: Difference, residuals: FloatArray, errors: FloatArray) -> int:
        """The corner that the term is put on: where something is left, though nothing is across its steps."""
        left = np.abs(residuals) > errors
        n = len(difference.steps)
        neighbours = np.arange(1 << n)[:, None] ^ (1 << np.arange(n))
        away = (difference.corners == [self.origin[s.axis] < s.above for s in difference.steps]).sum(axis=1)
        return int(np.argmax(left * 10000 + (~left[neighbours]).sum(axis=1) * 100 + away))


def _ahead(place: float, at: float, up: bool) -> bool:
    """Whether a place is where one is, or further on the way up or down."""
    return bool(place >= at if up else place <= at)
