"""What 200 rows tell before the search: whether answers are noisy, rounded, saturated, or no sum of steps at all."""

from __future__ import annotations

import attrs
import numpy as np

from mex.learner import Steps
from mex.types import Array, FloatArray
from mex_boosted_exact.axes import MISSING, Axes
from mex_boosted_exact.draws import Draws
from mex_boosted_exact.scores import NONE, Scores

ROWS, REPEATED, NUDGED, MOVED = 70, 10, 20, 100
"""Random rows, rows asked again, rows whose numbers are moved a little, and rows moved along one axis, at most."""
NUDGE = 1e-6
"""How far, as a share of the range."""
MOST_CHANGED = 0.5
"""The share of rows whose answers may change so: in a sum of steps, those that happen to be next to a threshold."""
COARSE = 20
"""Answers are too coarse if half of them may be off by more than a jump over this."""
SATURATED = 0.9


@attrs.define(eq=False)
class Survey:
    """Rows that tell whether a target can be taken apart.

    Attributes:
        reason: why it cannot, a sentence; "" if nothing speaks against it.
    """

    axes: Axes
    scores: Scores
    draws: Draws
    reason: str = ""

    def steps(self) -> Steps:
        """Ask the rows, teach the scores how answers are rounded, and find the reason."""
        n = ROWS // 2
        Z = np.concatenate([self.draws.middle(), self.draws.uniform(n), self.draws.near(n)])
        X = self.axes.decode(Z)
        answers = yield X
        again = yield X[:REPEATED]
        if not np.array_equal(answers[:REPEATED], again):
            off = np.abs(answers[:REPEATED] - again).max()
            self.reason = f"the same row is answered differently each time (by up to {off:.2g}): answers are noisy"
            return
        self.scores.learn(answers)
        score, error = self.scores(answers)
        real = np.flatnonzero(~self.axes.whole)
        if len(real):
            near = self._nudged(Z[:NUDGED], real)
            told, off = self.scores((yield self.axes.decode(near)))
            changed = np.abs(told - score[:NUDGED]) > 2 * (off + error[:NUDGED])
            if changed.mean() > MOST_CHANGED:
                self.reason = (
                    f"a change of a millionth of the range changes {changed.sum()} of {len(changed)} answers: they are"
                    " no sum of steps, or have noise that is drawn once for each row"
                )
                return
        saturated = error >= NONE
        if saturated.mean() > SATURATED:
            self.reason = f"{saturated.sum()} of {len(saturated)} probabilities are 0 or 1 to the last bit"
            return
        yield from self._jumps(Z, score, error)

    def _jumps(self, Z: FloatArray, score: FloatArray, error: FloatArray) -> Steps:
        """Move one row along each axis, and compare the jumps with the rounding."""
        start = int(np.argmin(error))
        axes = self.draws.rng.permutation(len(self.axes.units))[: MOVED // 2]
        moved = np.repeat(Z[start][None], 2 * len(axes), axis=0)
        moved[np.arange(len(axes)), axes] = self.axes.lower[axes]
        moved[len(axes) + np.arange(len(axes)), axes] = self.axes.upper[axes]
        told, off = self.scores((yield self.axes.decode(moved)))
        jumps = np.abs(told - score[start])
        jumps = jumps[jumps > 2 * (off + error[start])]
        rounded = self.scores.decimals is not None
        if rounded and (len(jumps) == 0 or np.median(error) > np.median(jumps) / COARSE):
            self.reason = (
                f"answers are rounded to {self.scores.decimals} decimals, which moves scores by"
                f" {np.median(error):.1g}, too much to tell"
                + (f" jumps of {np.median(jumps):.1g} apart" if len(jumps) else " any step")
            )

    def _nudged(self, Z: FloatArray, real: Array) -> FloatArray:
        near = Z.copy()
        width = NUDGE * (self.axes.upper - self.axes.lower)[real]
        sign = np.where(Z[:, real] > (self.axes.lower + self.axes.upper)[real] / 2, -1, 1)
        near[:, real] = np.where(Z[:, real] == MISSING, MISSING, self.axes.number(Z[:, real] + sign * width))
        return near
