"""Terms that have the opposite coefficient of another: what a tree has on one side of a node only.

Where a node has the anchor on one side, and another node is below it there, all terms of this other one come twice:
once without the step of the first, and with the opposite coefficient once with it, since beyond it nothing of them is
left. So what is left at a point, if a known term has its opposite, is most likely that term with one step more, or with
one of its steps moved farther out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from mex.types import FloatArray
from mex_boosted_exact.sums import Conditions
from mex_boosted_exact.thresholds import Step
from mex_boosted_exact.transcript import SIGMAS, Transcript


class Opposites:
    """Finds the terms of a sum whose coefficients are the opposite of what is left somewhere."""

    def __init__(self, told: Transcript) -> None:
        self._told = told

    def around(self, z: FloatArray, left: float, slack: float) -> Conditions:
        """The term of the most steps that a point is in, of which the opposite is ``left`` there; () if there is none.

        Rounding may have moved what is left by ``slack``.
        """
        met = [term for term in self._of(left, slack) if all((z[s.axis] >= s.above) == (side > 0) for s, side in term)]
        return max(met, key=len, default=())

    def unsure(self, crossed: Mapping[int, Step], left: float, slack: float) -> list[int]:
        """The axes of the steps of which it is to be seen whether they are needed, where ``left`` is left beyond all.

        That is one if the others make a term of which this is the opposite, by themselves or with a nearer step on the
        same axis; but all for a forest, whose shares of samples are often equal or opposite by chance.
        """
        if self._told.scores.link != "mean":
            for term in self._of(left, slack):
                others = [axis for axis, step in crossed.items() if all(step is not own for own, _ in term)]
                if len(others) == 1 and all(own.axis in crossed for own, _ in term):
                    return others
        return list(crossed)

    def _of(self, left: float, slack: float) -> Iterator[Conditions]:
        """The terms of some steps with the opposite of ``left``."""
        total = self._told.total
        alike = np.abs(total.coefficients + left) <= slack + SIGMAS * np.sqrt(total.variances)
        return (total.terms[k] for k in np.flatnonzero(alike).tolist() if total.terms[k])
