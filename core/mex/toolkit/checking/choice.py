"""What to hand over: the hypothesis of an attack, or the best fit to its transcript."""

from __future__ import annotations

import math

import numpy as np

from mex.knowledge import Knowledge
from mex.toolkit.checking.fits import best_fit
from mex.toolkit.checking.readings import Told
from mex.types import Estimator


def choose(own: Estimator, settled: bool, told: Told, known: Knowledge, seed: int, *, any_class: bool) -> Estimator:
    """The one that is right most often on rows like the data, then on the others.

    Args:
        own: the hypothesis of the attack.
        settled: whether it is taken unless the fit is right more often, with a trusted class than chance explains.
        told: all rows that were asked, and what was told.
        known: what the attacker knows.
        seed: of what is random in a fit.
        any_class: the public class is not to be trusted: any may be fitted.
    """
    natural, others = told.natural(), told.others()
    own_loss = _loss(own, natural)
    if len(told) == 0 or (settled and own_loss == 0):
        return own
    fit, fit_loss, fit_mean = best_fit(natural, others, known, seed, any_class=any_class)
    if settled:
        chance = 1 + 2 * math.sqrt(fit_loss) if natural.labels and not any_class else 0.0
        return own if own_loss <= fit_loss + chance else fit
    own_mean = _loss(own, others) / max(len(others), 1)
    return own if (own_loss, own_mean) <= (fit_loss, fit_mean) else fit


def _loss(hypothesis: Estimator, natural: Told) -> float:
    """How many labels are wrong, or the sum of the squares of how far values are off."""
    if natural.labels or len(natural) == 0:
        return float(natural.missed(hypothesis).sum())
    return float(np.sum((np.ravel(hypothesis.predict(natural.X)) - natural.told) ** 2))
