"""What 200 rows tell before the search: whether answers are noisy, rounded, saturated, or no sum of steps at all."""

from __future__ import annotations

import attrs
import numpy as np

from mex.learner import Steps
from mex.types import Array, FloatArray
from mex_boosted_exact.axes import MISSING, Axes
from mex_boosted_exact.draws import Draws
from mex_boosted_exact.scores import NONE, Scores

ROWS, REPEATED, NUDGED = 140, 10, 40
"""Random rows, rows asked again, and rows whose numbers are moved a little."""
NUDGE = 1e-6
"""How far, as a share of the range."""
MOST_CHANGED = 0.5
"""The share of rows whose answers may change so: in a sum of steps, those that happen to be next to a threshold."""
FINEST = 1e-5
"""Rounding is too coarse beyond this share of the standard deviation of the scores."""
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
        saturated = error >= NONE
        if saturated.mean() > SATURATED:
            self.reason = f"{saturated.sum()} of {len(saturated)} probabilities are 0 or 1 to the last bit"
            return
        real = np.flatnonzero(~self.axes.whole)
        if len(real):
            some = np.flatnonzero(~saturated)[:NUDGED]
            told, off = self.scores((yield self.axes.decode(self._nudged(Z[some], real))))
            changed = np.abs(told - score[some]) > 2 * (off + error[some])
            if changed.mean() > MOST_CHANGED:
                self.reason = (
                    f"a change of a millionth of the range changes {changed.sum()} of {len(changed)} answers: they are"
                    " no sum of steps, or have noise that is drawn once for each row"
                )
                return
        decimals, spread = self.scores.decimals, float(score[~saturated].std())
        if decimals is not None and np.median(error) > FINEST * spread:
            self.reason = (
                f"answers are rounded to {decimals} decimals, which moves scores by {np.median(error):.1g} where they"
                f" spread by {spread:.1g}: the effect of most nodes is lost in it"
            )

    def _nudged(self, Z: FloatArray, real: Array) -> FloatArray:
        near = Z.copy()
        width = NUDGE * (self.axes.upper - self.axes.lower)[real]
        sign = np.where(Z[:, real] > (self.axes.lower + self.axes.upper)[real] / 2, -1, 1)
        near[:, real] = np.where(Z[:, real] == MISSING, MISSING, self.axes.number(Z[:, real] + sign * width))
        return near
