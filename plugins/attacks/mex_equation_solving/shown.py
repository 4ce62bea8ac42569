"""What probabilities that are clipped, saturated or partly hidden show of those behind them."""

from __future__ import annotations

import attrs
import numpy as np
from scipy.special import logsumexp, xlogy

from mex.toolkit.perturbation.reading import extremes, resolution
from mex.types import BoolArray, FloatArray

SATURATED = 0.02
"""A probability within this of 1 is only a lower bound, where answers are not exact."""
ALIKE, SMALL = 0.95, 0.02
"""In which share of rows as many classes are hidden, or the least probability that is shown where some are 0."""
TINY = 1e-300


@attrs.frozen(eq=False)
class Shown:
    """What answers show of the probabilities behind them.

    Attributes:
        P: the probabilities that are shown, 0 of hidden classes, shape (n, k).
        classes: which classes are shown, shape (n, k).
        rest: the probability of the hidden ones together, shape (n,); NaN where those shown were divided by their sum.
        at_least: whether the largest probability may be larger than what is shown, shape (n,).
    """

    P: FloatArray
    classes: BoolArray
    rest: FloatArray
    at_least: BoolArray

    @classmethod
    def of(cls, answers: FloatArray) -> Shown:
        """Read answers, shape (n, k)."""
        n, k = answers.shape
        rows, top, most = np.arange(n), answers.argmax(axis=1), answers.max(axis=1)
        if (most == 1).all():  # labels
            return cls(answers, np.ones((n, k), dtype=bool), np.zeros(n), np.zeros(n, dtype=bool))
        least, second = np.sort(answers, axis=1)[:, :2].T
        hidden = ((least == 0) | (least == second)) & (k > 2) & _truncated(answers)
        classes = ~hidden[:, None] | (answers > least[:, None])
        alone = hidden & (most == 1)  # of hidden classes it is told that none is more probable
        limit = np.where(alone & (classes.sum(axis=1) > 1).any(), 0.5, 1 - max(resolution(answers) / 2, SATURATED))
        divided = hidden & (least == 0) & ~alone
        at_least = (extremes(answers) | (most > limit)) & ~divided
        classes[at_least] = False  # then only the largest is told, and that as a bound
        classes[rows, top] = True
        P = np.where(classes, answers, 0.0)
        P[rows, top] = np.where(at_least, np.minimum(most, limit), most)
        return cls(P, classes, np.where(divided, np.nan, 1 - P.sum(axis=1)), at_least)

    def divergence(self, Z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The Kullback-Leibler divergence of the softmax of ``Z`` from what is shown, and its derivatives."""
        given = np.isnan(self.rest)[:, None]  # the softmax of the classes shown alone
        log_sum = logsumexp(np.where(given & ~self.classes, -np.inf, Z), axis=1, keepdims=True)
        log_P = Z - log_sum
        model = np.where(given & ~self.classes, 0.0, np.exp(log_P))
        hidden = np.where(self.classes, 0.0, model)
        left = np.maximum(hidden.sum(axis=1), TINY)
        rest = np.where(given[:, 0] | self.classes.all(axis=1), 0.0, np.maximum(self.rest, 0.0))
        losses = (xlogy(self.P, np.maximum(self.P, TINY)) - self.P * np.where(self.classes, log_P, 0.0)).sum(axis=1)
        losses += xlogy(rest, np.maximum(rest, TINY)) - rest * np.log(left)
        slopes = model - np.where(self.classes, self.P, hidden * (rest / left)[:, None])
        kept = ~(self.at_least & ((model * self.classes).max(axis=1) >= self.P.max(axis=1)))
        return losses * kept, slopes * kept[:, None]


def _truncated(answers: FloatArray) -> bool:
    """Whether zeros and equal probabilities hide classes: of all rows as many, or none is shown that is small."""
    k = answers.shape[1]
    least, second = np.sort(answers, axis=1)[:, :2].T
    hides = (least == 0) | (least == second)
    shown = np.where(hides, (answers > least[:, None]).sum(axis=1), k)
    usual = np.median(shown)
    alike = usual < k and np.mean(shown == usual) > ALIKE
    return bool(alike or ((least == 0).any() and answers[answers > 0].min() > SMALL))
