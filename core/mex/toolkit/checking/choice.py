"""What to hand over: the hypothesis of an attack, a fit to its transcript, or the commonest label."""

from __future__ import annotations

import numpy as np

from mex.knowledge import Knowledge
from mex.toolkit.checking.fits import best_fit
from mex.toolkit.checking.readings import Told, differ
from mex.toolkit.estimators import constant
from mex.types import Estimator


def choose(
    own: Estimator, settled: bool, transcript: Told, checks: Told, known: Knowledge, seed: int, *, any_class: bool
) -> Estimator:
    """The one that is right most often on rows that none of them was fitted to.

    Args:
        own: the hypothesis of the attack.
        settled: whether it is taken where the fit is right as often.
        transcript: what the attack asked and was told.
        checks: rows like the data that were asked beside it, and what was told.
        known: what the attacker knows.
        seed: of what is random in a fit.
        any_class: the public class is not to be trusted: any may be fitted.
    """
    own_loss = _loss(own, checks)
    if settled and own_loss == 0:
        return own
    fit = best_fit(transcript.X, transcript.told, known, seed, any_class=any_class)
    fit_loss = _loss(fit, checks)
    better = own_loss < fit_loss or (settled and own_loss == fit_loss)
    best, loss = (own, own_loss) if better else (fit, fit_loss)
    if len(checks.told) == 0:
        return best
    d = known.domain.n_features
    if checks.labels:
        labels, counts = np.unique(checks.told, return_counts=True)
        missed = len(checks.told) - counts.max()
        return constant(labels[counts.argmax()], d) if missed + 1 < loss else best  # one row more may be chance
    mean = constant(float(transcript.told.mean()), d, regression=True)
    return mean if _loss(mean, checks) < loss else best


def _loss(hypothesis: Estimator, checks: Told) -> float:
    """How many labels are wrong, or the mean square of how far values are off; 0 without checks."""
    if len(checks.told) == 0:
        return 0.0
    if checks.labels:
        return float(differ(hypothesis, checks.X, checks.told, 0.0).sum())
    return float(np.mean((np.ravel(hypothesis.predict(checks.X)) - checks.told) ** 2))
