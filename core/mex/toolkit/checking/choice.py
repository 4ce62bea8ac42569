"""What to hand over: the hypothesis of an attack, or the best fit to its transcript."""

from __future__ import annotations

import math

import numpy as np

from mex.knowledge import Knowledge
from mex.toolkit.checking.fits import TELLING, best_fit, surely_better
from mex.toolkit.checking.readings import Told
from mex.toolkit.estimators import constant
from mex.types import Estimator, FloatArray

CHANCE = 2.0
"""By how many standard errors a model of another class has to be right more often on rows like the data."""


def alike(told: Told, known: Knowledge) -> bool:
    """Whether so many labels are all the same that no boundary may be taken to be anywhere; probabilities tell more."""
    several = told.labels and known.answers != "proba" and len(told) >= TELLING
    return several and bool((told.told == told.told[0]).all())


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
    one = told.labels and known.answers != "proba" and len(told) > 0 and bool((told.told == told.told[0]).all())
    if alike(told, known) or (one and told.missed(own).any()):
        return constant(told.told[0], known.domain.n_features)  # nothing else was ever seen
    chosen = _choose(own, settled, told, known, seed, any_class=any_class)
    if told.labels and 0 < len(told) < TELLING:  # of so few no choice is better than one that is right on more of them
        labels, counts = np.unique(told.told, return_counts=True)
        if told.missed(chosen).sum() > len(told) - counts.max():
            return constant(labels[counts.argmax()], known.domain.n_features)
    return chosen


def _choose(own: Estimator, settled: bool, told: Told, known: Knowledge, seed: int, *, any_class: bool) -> Estimator:
    natural, others = told.natural(), told.others()
    losses = _losses(own, natural)
    if len(told) == 0 or (settled and losses.sum() == 0):
        return own
    far, one = _losses(own, others), _one_answer(own, told)
    if not settled and not one and losses.sum() == far.sum() == 0:
        return own  # no fit is right on more than all rows
    fit = best_fit(natural, others, known, seed, any_class=any_class)
    if settled and any_class and natural.labels and known.rho != 0:  # noise alone fails a check now and then
        gain = losses - fit.losses
        return fit.model() if gain.sum() > CHANCE * math.sqrt(float((gain**2).sum())) else own
    if settled:
        chance = 1 + 2 * math.sqrt(fit.losses.sum()) if natural.labels and not any_class else 0.0
        return own if losses.sum() <= fit.losses.sum() + chance else fit.model()
    if one or (fit.constant and not surely_better(losses, fit.losses)):
        return fit.model()  # of constants the commonest label is the best
    mean = float(far.mean()) if len(others) else 0.0
    near, fitted = float(losses.sum()), float(fit.losses.sum())
    fewer, more = (losses, fit.losses) if near <= fitted else (fit.losses, losses)
    if any_class and len(natural) and not surely_better(fewer, more, CHANCE):
        near = fitted = 0.0  # neither is better there, but by chance; nor may be the best of several on the others
        mean -= CHANCE * float(far.std()) / math.sqrt(max(len(others), 1))
    if near == fitted > 0:
        return fit.model()  # that the other is right on all that it was made from says nothing
    return own if (near, mean) <= (fitted, fit.mean) else fit.model()


def _one_answer(hypothesis: Estimator, told: Told) -> bool:
    """Whether a hypothesis answers all rows alike."""
    answers = np.ravel(hypothesis.predict(told.X))
    return bool((answers == answers[0]).all())


def _losses(hypothesis: Estimator, told: Told) -> FloatArray:
    """1 for each wrong label, or the square of how far each value is off, shape (n,)."""
    if told.labels or len(told) == 0:
        return told.missed(hypothesis).astype(np.float64)
    return np.asarray((np.ravel(hypothesis.predict(told.X)) - told.told) ** 2)
