"""Rows that confirm thresholds: each condition of each term holds just on its side of the step, and not on the other.

Two thresholds of a target that are near each other may have been taken for one step, of one term or of several. That
each term has the threshold that its step was narrowed to is seen only at the two ends of that, in rows in which all
other conditions of the term hold.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mex.types import Array, FloatArray
from mex_boosted_exact.axes import Axes
from mex_boosted_exact.draws import Draws
from mex_boosted_exact.sums import BoxSum, Conditions
from mex_boosted_exact.thresholds import Step

CHUNK = 512
"""Rows that are looked at together."""
LOOKED_AT = 50
"""How many conditions are tried to be put into one row."""


class Confirmation:
    """Finds the conditions that no row confirms yet, and rows that do."""

    def __init__(self, axes: Axes, total: BoxSum, draws: Draws) -> None:
        self._axes = axes
        self._total = total
        self._draws = draws

    def rows(self, asked: FloatArray) -> FloatArray:
        """Rows for all conditions that the rows asked so far do not confirm, shape (n, axes)."""
        open_ones = self._open(asked)
        self._draws.rng.shuffle(open_ones)
        rows = list[FloatArray]()
        while open_ones:
            row, left = self._row(open_ones[:LOOKED_AT])
            open_ones = left + open_ones[LOOKED_AT:]
            rows += [] if row is None else [row]
        return np.array(rows).reshape(-1, len(self._axes.units))

    def _open(self, asked: FloatArray) -> list[tuple[Conditions, Step, bool]]:
        """The conditions not confirmed: a term, a step of it, and whether on the inner side of it."""
        conditions = list(self._conditions())
        if not conditions:
            return []
        terms = np.array([k for k, _, _ in conditions])
        axes = np.array([step.axis for _, step, _ in conditions])
        ends = np.array([[step.below, step.above] for _, step, _ in conditions])
        right = np.array([side > 0 for _, _, side in conditions])
        inner = np.where(right, ends[:, 1], ends[:, 0])
        outer = np.where(right, ends[:, 0], ends[:, 1])
        inside, outside = np.zeros(len(conditions), dtype=bool), np.zeros(len(conditions), dtype=bool)
        asked = asked[self._at_ends(asked)]
        for start in range(0, len(asked), CHUNK):
            Z = asked[start : start + CHUNK]
            broken = self._broken(Z)[:, terms]
            at = Z[:, axes]
            inside |= ((at == inner) & (broken == 0)).any(axis=0)
            outside |= ((at == outer) & (broken == 1)).any(axis=0)
        return [
            (self._total.terms[k], step, is_inner)
            for is_inner, seen in ((True, inside), (False, outside))
            for (k, step, _), there in zip(conditions, seen, strict=True)
            if not there
        ]

    def _conditions(self) -> Iterator[tuple[int, Step, int]]:
        """The term, step and side of each condition of a number."""
        for k, term in enumerate(self._total.terms):
            for step, side in term:
                if not self._axes.whole[step.axis] and np.isfinite(step.below):
                    yield k, step, side

    def _at_ends(self, asked: FloatArray) -> Array:
        """Which points have a coordinate that is an end of a step."""
        found: Array = np.zeros(len(asked), dtype=bool)
        for axis in np.flatnonzero(~self._axes.whole):
            ends = [end for step in self._total.thresholds.by_axis[axis] for end in (step.below, step.above)]
            found |= np.isin(asked[:, axis], ends)
        return found

    def _broken(self, Z: FloatArray) -> Array:
        """How many conditions of each term do not hold at each point, shape (n, terms)."""
        broken: Array = np.zeros((len(Z), len(self._total)), dtype=np.int16)
        for k, term in enumerate(self._total.terms):
            for step, side in term:
                broken[:, k] += (Z[:, step.axis] >= step.above) != (side > 0)
        return broken

    def _row(
        self, some: list[tuple[Conditions, Step, bool]]
    ) -> tuple[FloatArray | None, list[tuple[Conditions, Step, bool]]]:
        """A row that confirms as many of some conditions as go together, and those left; None if none can be met."""
        z, fixed, left, done = self._draws.points(1, self._total)[0], dict[int, float](), [], False
        for number, one in enumerate(some):
            wanted = _places(*one, fixed)
            if wanted is not None:
                fixed |= wanted
                done = True
            elif number:  # the first goes into an empty row, or into none
                left.append(one)
        z[list(fixed)] = list(fixed.values())
        return (z if done else None), left


def _places(term: Conditions, step: Step, inner: bool, fixed: dict[int, float]) -> dict[int, float] | None:
    """Coordinates at which all conditions hold, but for that at ``step`` if not ``inner``; None if there are none.

    Those that are ``fixed`` stay.
    """
    places = dict[int, float]()
    for own, side in sorted(term, key=lambda condition: condition[0] is not step):
        right = (side > 0) == (inner or own is not step)
        place = places.get(own.axis, fixed.get(own.axis))
        if place is None or (own is step and own.axis not in fixed):
            places[own.axis] = own.above if right else own.below
        elif (own is step and place != (own.above if right else own.below)) or (place >= own.above) != right:
            return None
    return places
