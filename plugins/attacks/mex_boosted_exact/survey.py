"""What 170 to 200 rows tell before the search: whether answers are noisy, rounded, saturated, or no sum of steps."""

from __future__ import annotations

from collections.abc import Generator

import attrs
import numpy as np

from mex.types import Array, FloatArray
from mex_boosted_exact.axes import MISSING
from mex_boosted_exact.draws import Draws
from mex_boosted_exact.scores import MUTE
from mex_boosted_exact.transcript import FIRST, Transcript

REPEATED = 10
"""Rows asked again."""
NUDGED = (10, 40)
"""Rows whose numbers are moved a little, at first and where these leave a doubt."""
NUDGE, LARGEST, SEEN = 1e-6, 1e-3, 30
"""How far, as a share of the range: as little as that, and at most; between them as far as changes a smooth score by
that many times its rounding."""
FEW_CHANGED, MOST_CHANGED = 0.2, 0.5
"""The share of rows whose answers may change so without a doubt, and at all: in a sum of steps, those that happen to be
next to a threshold."""
FINEST = 1e-5
"""Rounding is too coarse beyond this share of the standard deviation of the scores."""
SATURATED = 0.9


@attrs.define(eq=False)
class Survey:
    """Rows that tell whether a target can be taken apart.

    Attributes:
        reason: why it cannot, a sentence; "" if nothing speaks against it.
    """

    told: Transcript
    draws: Draws
    reason: str = ""

    def steps(self) -> Generator[FloatArray, Array, None]:
        """Ask the rows, the first of a transcript, the middle of the domain before others; and find the reason."""
        told, scores, axes = self.told, self.told.scores, self.told.axes
        near = self.draws.near(FIRST // 3)
        Z = np.concatenate([self.draws.middle(), near, self.draws.points(FIRST - 1 - len(near), told.total)])
        numbers = yield from told.ask(Z)
        answers = told.answers()[numbers[:REPEATED]]
        again = yield axes.decode(Z[:REPEATED])
        (first, unsure), (second, _) = scores(answers), scores(again)
        if (np.abs(first - second) > 2 * unsure).any():  # sums are rounded as the rows of their batch let them
            off = np.abs(answers - again).max()
            self.reason = f"the same row is answered differently each time (by up to {off:.2g}): answers are noisy"
            return
        score, error = told.store.score[numbers], told.store.error[numbers]
        saturated = error > MUTE
        if saturated.mean() > SATURATED:
            self.reason = f"{saturated.sum()} of {len(saturated)} probabilities are 0 or 1 to the last bit"
            return
        spread = float(score[~saturated].std())
        real = np.flatnonzero(~axes.whole)
        if len(real):
            clear = error <= 3 * np.median(error[~saturated])
            width = float(np.clip(SEEN * np.median(error[clear]) / max(spread, 1e-300), NUDGE, LARGEST))
            some = self._inside(Z, real)
            some = some[clear[some]][: NUDGED[1]]
            changed: Array = np.empty(0, dtype=bool)
            for part in np.split(some, [NUDGED[0]]):
                nudged, off = scores((yield axes.decode(self._nudged(Z[part], real, width))))
                changed = np.append(changed, np.abs(nudged - score[part]) > 2 * (off + error[part]))
                if changed.mean() <= FEW_CHANGED:
                    break
            if changed.mean() > MOST_CHANGED:
                self.reason = (
                    f"a change of {width:.1g} of the range changes {changed.sum()} of {len(changed)} answers: they are"
                    " no sum of steps that could be told apart, or have noise that is drawn once for each row"
                )
                return
        decimals = scores.decimals
        if decimals is not None and np.median(error) > FINEST * spread:
            self.reason = (
                f"answers are rounded to {decimals} decimals, which moves scores by {np.median(error):.1g} where they"
                f" spread by {spread:.1g}: the effect of most nodes is lost in it"
            )

    def _inside(self, Z: FloatArray, real: Array) -> Array:
        """The numbers of points, those first that have few numbers at a bound, which may be a value by itself.

        Where most values are 0, trees part 0 from all that is greater.
        """
        bounds = (self.told.axes.lower == Z) | (self.told.axes.upper == Z)
        return np.argsort(bounds[:, real].sum(axis=1), kind="stable")

    def _nudged(self, Z: FloatArray, real: Array, share: float) -> FloatArray:
        near, axes = Z.copy(), self.told.axes
        width = share * (axes.upper - axes.lower)[real]
        sign = np.where(Z[:, real] > (axes.lower + axes.upper)[real] / 2, -1, 1)
        near[:, real] = np.where(Z[:, real] == MISSING, MISSING, axes.number(Z[:, real] + sign * width))
        return near
