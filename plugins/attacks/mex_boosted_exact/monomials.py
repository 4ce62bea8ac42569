"""Monomials: what is left of the scores is taken off from an anchor outward, each time at the fewest steps crossed.

Seen from a point, the anchor, a sum of trees is a sum of monomials: c times 1 where each of some steps is crossed on
the way to a row, and else 0. A node that parts a box in two is one, or a few if the box ends further out; two nodes of
the same steps are one. A set of steps crossed at which something is left, and nothing where any one of them is not, is
a monomial, and what is left there its coefficient. Such a set is found by a path to any row where something is left:
the step at which that is so first has to be crossed; the same path with it crossed from the beginning has the next one,
until nothing else needs to be. Where the opposite of a known term is left, that term is crossed from the beginning
(:mod:`mex_boosted_exact.opposites`). A monomial that is wrong is only dear: rows at which something is left show it.
"""

from __future__ import annotations

import numpy as np

from mex.types import Array, FloatArray
from mex_boosted_exact.paths import before, beyond
from mex_boosted_exact.search import Finding, Hunt, Searcher
from mex_boosted_exact.thresholds import Step
from mex_boosted_exact.transcript import Transcript

Crossed = dict[int, Step]
"""Steps that are crossed, by axis."""
ROUNDS = 60
"""After how many steps crossed or not a search for one monomial is given up."""


class Monomials:
    """Finds the monomials that a sum lacks, and adds them."""

    def __init__(self, told: Transcript, searcher: Searcher, rng: np.random.Generator) -> None:
        self._told = told
        self._searcher = searcher
        self._rng = rng

    def place(self, crossed: Crossed) -> FloatArray:
        """The anchor with some steps crossed."""
        z = self._searcher.anchor.copy()
        for axis, step in crossed.items():
            z[axis] = beyond(step, self._up(step))
        return z

    def goals(self, crossed: Crossed) -> FloatArray:
        """Two corners of the domain at which the same steps are crossed, shape (2, axes)."""
        axes = self._told.axes
        Z = np.array([axes.upper, axes.first])
        Z[:, list(crossed)] = self.place(crossed)[list(crossed)]
        return self._told.total.thresholds.outside(Z)

    def take_off(self, hunt: Hunt, crossed: Crossed) -> Finding[None]:
        """Add monomials until nothing is left at the end of a hunt, beginning with steps to cross; or give up."""
        end, order = hunt.end, self._rng.permutation(len(hunt.end))
        tried = False
        while True:
            hunt.end = end = self._told.total.thresholds.outside(end[None])[0]
            residuals, errors = yield end[None]
            if abs(residuals[0]) <= errors[0]:
                return
            number = len(self._told.total)
            yield from self._one(hunt, dict(crossed), order)
            if len(self._told.total) == number:
                if tried:
                    return
                tried = True
                order = self._rng.permutation(order)

    def _one(self, hunt: Hunt, crossed: Crossed, order: Array) -> Finding[None]:
        """Add one monomial of those that are left at the end of a hunt.

        Once it begins anew from a term of which the opposite is left: it needs but one step more.
        """
        hunt.forget()
        anew = False
        for _ in range(ROUNDS):
            z = self.place(crossed)
            residuals, errors = yield z[None]
            if abs(residuals[0]) <= errors[0]:
                step = yield from self._searcher.first(hunt, z, order, list(crossed.values()))
                if step is None and hunt.opposite and not anew:
                    crossed, anew = {step.axis: step for step, _ in hunt.opposite}, True
                    continue
                if step is None:
                    return
                crossed[step.axis] = step
                continue
            axes = self._searcher.opposites.unsure(crossed, residuals[0], errors[0])
            rows = np.repeat(z[None], len(axes) + 1, axis=0)
            for row, axis in zip(rows, axes, strict=False):
                row[axis] = before(crossed[axis], self._up(crossed[axis]))
            hunt.found(z, residuals[0], errors[0])
            yield from self._searcher.waited(hunt)
            yield rows
            residuals, errors, rounding = self._told.again(rows)
            wrong = np.abs(residuals) > errors
            if not wrong[-1]:  # explained meanwhile
                return
            if not wrong[:-1].any():
                conditions = tuple((step, 1 if self._up(step) else -1) for step in crossed.values())
                self._told.total.add(float(residuals[-1]), float(rounding[-1] ** 2) * 2 ** len(crossed), conditions)
                return
            number = int(np.argmax(wrong))
            hunt.end = rows[number]
            del crossed[axes[number]]

    def _up(self, step: Step) -> bool:
        """Whether a step is crossed on the way up."""
        return bool(self._searcher.anchor[step.axis] < step.above)
