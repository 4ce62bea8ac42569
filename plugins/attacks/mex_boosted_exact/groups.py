"""Steps that are told by one row: groups of them on different axes, each with a jump at a point."""

from __future__ import annotations

from collections.abc import Iterator, Set

import attrs
import numpy as np

from mex.types import FloatArray
from mex_boosted_exact.axes import Axes
from mex_boosted_exact.draws import Draws
from mex_boosted_exact.sums import BoxSum, Conditions
from mex_boosted_exact.thresholds import Step

TOGETHER = 6
"""How many steps are in one row at most."""
LOOKED_AT = 12
"""At how many points a jump of a step is sought before the others take their turn."""
CLEAR = 20
"""How many times its rounding a jump has to be to be told by a sum."""


@attrs.define(eq=False)
class Group:
    """Steps on different axes, and a point on the left of all of them at which each has a jump of its own."""

    z: FloatArray
    steps: list[Step]

    def corners(self) -> FloatArray:
        """The points at all combinations of their ends, shape (2^n, axes); the k-th bit says if right of step k."""
        n = len(self.steps)
        right = (np.arange(1 << n)[:, None] >> np.arange(n)) & 1
        Z = np.repeat(self.z[None], 1 << n, axis=0)
        for k, step in enumerate(self.steps):
            Z[:, step.axis] = np.where(right[:, k], step.above, step.below)
        return Z


class Grouping:
    """Puts steps of a sum into groups.

    Attributes:
        anchor: the point from which the steps of terms are crossed, once it is known.
    """

    anchor: FloatArray | None = None

    def __init__(self, axes: Axes, total: BoxSum, draws: Draws) -> None:
        self._axes = axes
        self._total = total
        self._draws = draws

    def groups(self, steps: dict[Step, list[Conditions]], alone: Set[Step] = frozenset()) -> list[Group]:
        """Every step in a group, or in none if its jump is not seen at some random points; some ``alone`` in theirs.

        Each step is given with terms that have it.
        """
        waiting, groups = dict(steps), list[Group]()
        while waiting:
            step, terms = waiting.popitem()
            for z, used in self._places(terms):
                chosen = [step]
                if step not in alone:
                    by_axis = {s.axis: s for s in waiting if s.axis not in used and s not in alone}
                    chosen += by_axis.values()
                visible = self._visible(z, chosen)
                if step in visible:
                    break
            else:
                continue
            for other in visible:
                z[other.axis] = other.below
                waiting.pop(other, None)
            groups.append(Group(z, visible))
        return groups

    def _places(self, terms: list[Conditions]) -> Iterator[tuple[FloatArray, set[int]]]:
        """Points at which a step of some terms may have a jump, and the axes that this depends on.

        At last the anchor with just the steps of the smallest term crossed: its coefficient is the jump there.
        """
        for z in self._points(LOOKED_AT):
            yield z, self._enter(z, terms[self._draws.rng.integers(len(terms))])
        if self.anchor is not None:
            z, term = self.anchor.copy(), min(terms, key=len)
            for step, side in term:
                z[step.axis] = step.above if side > 0 else step.below
            yield z, {step.axis for step, _ in term}

    def _points(self, n: int) -> FloatArray:
        """Random points with no coordinate next to a step, where that may be somewhere else."""
        return self._total.thresholds.outside(self._draws.in_cells(n, self._total, 0.0))

    def _enter(self, z: FloatArray, term: Conditions) -> set[int]:
        """Move a point into the box of a term; the axes that this one has."""
        bounds = dict[int, tuple[float, float]]()
        for step, side in term:
            low, high = bounds.get(step.axis, (self._axes.lower[step.axis], self._axes.upper[step.axis]))
            bounds[step.axis] = (max(low, step.above), high) if side > 0 else (low, min(high, step.below))
        for axis, (low, high) in bounds.items():
            if not low <= z[axis] <= high and np.isfinite(high):
                inside = low + self._draws.rng.random() * (high - low)
                z[axis] = np.floor(inside) if self._axes.whole[axis] else self._axes.number(np.array([inside]))[0]
            elif z[axis] > high:
                z[axis] = high
        z[:] = self._total.thresholds.outside(z[None])[0]
        return set(bounds)

    def _visible(self, z: FloatArray, steps: list[Step]) -> list[Step]:
        """The first few steps, one for each axis, that have a jump at ``z``."""
        left, right = np.repeat(z[None], len(steps), axis=0), np.repeat(z[None], len(steps), axis=0)
        for k, step in enumerate(steps):
            left[k, step.axis], right[k, step.axis] = step.below, step.above
        values, variances = (part.reshape(2, -1) for part in self._total(np.concatenate([left, right])))
        clear = np.abs(values[1] - values[0]) > CLEAR * np.sqrt(variances.sum(axis=0))
        return [step for step, seen in zip(steps, clear, strict=True) if seen][:TOGETHER]
