"""Peeling: the residual of a sum of trees is searched for nodes whose effect is constant, which are then taken off.

Let v be a node whose children are leaves, on the box B of its ancestors. Across its step the sum of trees jumps by
r 1[B], so that the term r 1[right of v] 1[B] makes v a leaf, and n nodes take at most n terms, from the leaves up. The
box is found by moving all other axes until the jump changes. If the jump ends at a step u, u is an ancestor: a *gate*.
If u itself has no effect on one side of v, though, u is below v and is peeled first, whether the jump goes on beyond u
as another or ends because values of leaves happen to be the same, as in forests those of pure leaves often are.
Otherwise, if it goes on, v and u share steps with other nodes, and the mixed difference over both is peeled, which
isolates the nodes below both. A term that is wrong is only dear: rows at which something is left show it.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from mex.types import FloatArray
from mex_boosted_exact.differences import COARSE, Difference
from mex_boosted_exact.extents import Again, Extents
from mex_boosted_exact.search import Finding, Searcher
from mex_boosted_exact.tasks import Above, Box, Gates, Task
from mex_boosted_exact.thresholds import Step

MOST_STEPS = 7
"""The most steps of one mixed difference: it takes a row for each of the 2^n corners."""


class Peeler:
    """Peels tasks; what it finds it adds to the sum of its searcher.

    Attributes:
        search: the searcher.
        again: residuals of points asked before by a version of the sum, their errors, and those of the scores alone.
    """

    def __init__(self, search: Searcher, again: Again) -> None:
        self.search = search
        self.again = again
        self._boxes = defaultdict[tuple[Step, ...], list[Box]](list)  # those under way, by their steps
        self._extents = Extents(search, again, self._below)

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
            if abs(jump) <= COARSE * error:  # nothing, or no answer here tells that from nothing
                break
            box = Box(task, difference, z.copy(), jump)
            if (other := self._same(box, error)) is not None:
                task.awaited = other.task
                while other in self._boxes[steps]:
                    yield z[None][:0]
                task.awaited = None
                continue
            self._boxes[steps].append(box)
            try:
                done = yield from self._take_off(task, box, hints)
            finally:  # a search may be given up
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
        whole = yield from self._extents.find(task, box, hints)
        if box.jump == 0:
            return not box.stale
        residuals, errors, _ = self.again(box.difference.rows(box.z), None)
        if not box.difference.alike(residuals, errors, box.jump):
            return False
        self._extents.sizes[box.size] += not whole
        self._add(task, box.difference, box.z, box.jump, box.gates)
        return True

    def _below(
        self, task: Task, difference: Difference, z: FloatArray, step: Step, hints: Gates, left: bool
    ) -> Finding[bool]:
        """Peel what makes the difference change at a step: a node below, or the mixed difference over that as well.

        The latter only if something is ``left`` of the difference beyond the step.
        """
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
        if not left or len(difference.steps) == MOST_STEPS or step.axis in difference.axes:
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
