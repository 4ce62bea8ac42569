"""How strongly a learner over the class of f* is regularised: for as many answers, as far as they may be wrong."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np
from scipy.linalg import LinAlgWarning
from sklearn.base import clone, is_regressor

from mex.fitted import Model
from mex.knowledge import Knowledge
from mex.params import doc, one_of
from mex.toolkit.estimators import random_state
from mex.toolkit.left_out import FOLDS, best, folds, label_loss, margins
from mex.toolkit.models import learner_over
from mex.toolkit.penalties import adaptable, adapted, fit_adapted, prunes, quick, slighter
from mex.types import Array, Estimator, FloatArray

CHOICES = ("adapted", "public")
FEWEST = 32
"""The fewest answers on which something is cross-validated."""
RATES = (0.0, 0.03, 0.1)
"""Rates of wrong labels to choose from; above the last all are regularised alike."""
SAYS_NOTHING = 0.45
"""A bound on the probability of a wrong label from which on it tells nothing of the rate."""


def regularisation_parameter() -> Any:
    """The parameter ``regularisation`` of an attack that fits the public class of f*."""
    return attrs.field(
        default="adapted",
        validator=one_of(*CHOICES),
        metadata=doc(
            "how strongly the public class is regularised: adapted to the number of answers and to how many may be"
            " wrong, or as f* is; a model that is given is fitted as it is given"
        ),
    )


def tuned(label: str, model: Model | None, regularisation: str, known: Knowledge, rng: np.random.Generator) -> Tuned:
    """What the attack called ``label`` fits: ``model``, or the public class of f* regularised as the parameter says.

    Raises:
        Incompatible: as :func:`.learner_over`.
    """
    estimator = learner_over(label, model, known, rng)
    adapt = model is None and regularisation == "adapted"
    return Tuned(estimator, known.rho, rng, binary=known.task == "binary", adapt=adapt)


class Tuned:
    """A learner that is regularised for the answers it is fitted to, as :func:`mex.toolkit.penalties.adapted` does.

    Without noise no label is wrong. Else the rate of wrong labels is chosen by cross-validation on the first 32, 128,
    512, … answers, so that it is a function of the answers alone, however often it is asked for: the rate, at most the
    declared bound, under which and with whose regularisation the answers that are left out are most likely. The bound
    is kept unless a lower rate, or the regularisation of f*, is better by more than a standard error. An answer with
    margin m has the probability rate + (1 - 2 rate) / (1 + exp(-s m)), at the best slope s; of a tree only wrong
    answers are counted.

    Penalties of values are chosen by cross-validation on the first 2^k answers: the public one unless another predicts
    the answers better by more than a standard error.

    >>> from sklearn.linear_model import LogisticRegression
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((256, 20))
    >>> y, wrong = X[:, 0] > 0, rng.random(256) < 0.3
    >>> round(Tuned(LogisticRegression(), 0.0, rng).estimator(X, y).C, 1)
    133.0
    >>> round(Tuned(LogisticRegression(), 0.3, rng).estimator(X, y ^ wrong).C, 1)
    0.2
    """

    def __init__(
        self,
        estimator: Estimator,
        rho: float | None,
        rng: np.random.Generator,
        *,
        binary: bool = True,
        adapt: bool = True,
    ) -> None:
        """``estimator`` is unfitted and regularised as f* is; ``rho`` bounds the probability of a wrong label."""
        self._public = estimator
        self._values = is_regressor(estimator)
        self._adapt = adapt and (self._values or adaptable(estimator))
        if self._adapt and not self._values:
            self._public = quick(estimator, binary=binary)
        self._rho = 0.5 if rho is None else rho
        self._seed = random_state(rng)
        self._rates: dict[int, float | None] = {}
        self._penalties: dict[int, Estimator] = {}

    def estimator(self, X: FloatArray, y: Array) -> Estimator:
        """An unfitted copy regularised for the answers ``y`` to the rows ``X``."""
        if not self._adapt:
            return clone(self._public)
        return self._of_values(X, y) if self._values else self._for_rate(self._rate(X, y), X, y)

    def fit(self, X: FloatArray, y: Array) -> Estimator:
        """The learner fitted to the answers ``y`` to the rows ``X``."""
        if self._adapt and not self._values:
            return self._fit_for_rate(self._rate(X, y), X, y)
        return _fitted(self.estimator(X, y), X, y)

    def _fit_for_rate(self, rate: float | None, X: FloatArray, y: Array) -> Estimator:
        with _quietly():
            return clone(self._public).fit(X, y) if rate is None else fit_adapted(self._public, X, y, rate)

    def _for_rate(self, rate: float | None, X: FloatArray, y: Array) -> Estimator:
        return clone(self._public) if rate is None else adapted(self._public, X, y, rate)

    def _rate(self, X: FloatArray, y: Array) -> float | None:
        """The rate of wrong labels that the answers are most likely to have; None to regularise as f* is."""
        known = self._rho < SAYS_NOTHING
        usual = min(self._rho, RATES[-1]) if known else 0.0
        if self._rho == 0 or len(y) < FEWEST:
            return usual
        n = FEWEST * 4 ** ((len(y) // FEWEST).bit_length() - 1 >> 1)
        if n not in self._rates:
            others = [rate for rate in RATES if rate < self._rho and rate != usual]
            if prunes(self._public):
                others = [0.0 if usual else RATES[-1]]
            self._rates[n] = self._choose_rate([usual, *others, None], X[:n], y[:n], surely=known)
        return self._rates[n]

    def _choose_rate(self, rates: list[float | None], X: FloatArray, y: Array, *, surely: bool) -> float | None:
        parts, losses = folds(y, np.random.default_rng(self._seed)), []
        if any(len(np.unique(y[parts != part])) < 2 for part in range(FOLDS)):
            return rates[0]
        for rate in rates:
            left_out = np.empty(len(y))
            for part in range(FOLDS):
                held = parts == part
                fitted = self._fit_for_rate(rate, X[~held], y[~held])
                left_out[held] = margins(fitted, X[held], y[held])
            losses.append(label_loss(left_out, min(self._rho, RATES[-1]) if rate is None else rate))
        return rates[best(losses, 1.0 if surely else 0.0)]

    def _of_values(self, X: FloatArray, y: Array) -> Estimator:
        several = slighter(self._public)
        n = 1 << (len(X).bit_length() - 1)
        if n < FEWEST or len(several) == 1:
            return several[0]
        if n not in self._penalties:
            parts, losses = np.random.default_rng(self._seed).permutation(n) % FOLDS, []
            for setting in several:
                errors = np.empty(n)
                for part in range(FOLDS):
                    held = parts == part
                    fitted = _fitted(clone(setting), X[:n][~held], y[:n][~held])
                    errors[held] = y[:n][held] - np.ravel(fitted.predict(X[:n][held]))
                losses.append(errors**2)
            self._penalties[n] = several[best(losses, 1.0)]
        return clone(self._penalties[n])


def _fitted(estimator: Estimator, X: FloatArray, y: Array) -> Estimator:
    with _quietly():
        return estimator.fit(X, y)


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Without the warnings of a solver that it stopped early or fell back to another."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        for category in (ConvergenceWarning, LinAlgWarning):
            warnings.simplefilter("ignore", category)
        yield
