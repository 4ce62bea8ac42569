"""How strongly a learner over the class of f* is regularised: chosen by cross-validation on the answers."""

from __future__ import annotations

import warnings
from typing import Any

import attrs
import numpy as np
from scipy.linalg import LinAlgWarning
from scipy.special import expit
from sklearn.base import clone, is_regressor

from mex.fitted import Model
from mex.knowledge import Knowledge
from mex.params import doc, one_of
from mex.toolkit.estimators import random_state
from mex.toolkit.models import learner_over
from mex.toolkit.penalties import settings
from mex.types import Array, Estimator, FloatArray

CHOICES = ("cross-validated", "public")
FOLDS, FEWEST = 3, 32
"""Parts of the cross-validation; the fewest answers on which it is done."""
SLOPES = 2.0 ** np.arange(-6, 9)
"""Grid for the slope of the likelihood of an answer in its margin, whose scale depends on the regularisation."""
UNKNOWN_RHO = 0.1
"""The probability of a wrong label that is assumed where the scenario does not declare one."""


def regularisation_parameter() -> Any:
    """The parameter ``regularisation`` of an attack that fits the public class of f*."""
    return attrs.field(
        default="cross-validated",
        validator=one_of(*CHOICES),
        metadata=doc(
            "how strongly the public class is regularised: as cross-validation on the answers says, anew as they double"
            " in number, or as f* is; a model that is given is fitted as it is given"
        ),
    )


def tuned(
    label: str,
    model: Model | None,
    regularisation: str,
    known: Knowledge,
    rng: np.random.Generator,
    *,
    active: bool = False,
) -> Tuned:
    """What the attack called ``label`` fits: ``model``, or the public class of f* regularised as the parameter says.

    The rows of an ``active`` attack are near the boundary: if labels may be wrong, they do not tell what C is best.

    Raises:
        Incompatible: as :func:`.learner_over`.
    """
    estimator = learner_over(label, model, known, rng)
    choose = model is None and regularisation == "cross-validated"
    return Tuned(estimator, known.rho, rng, binary=known.task == "binary", active=active, choose=choose)


class Tuned:
    """A learner whose regularisation is chosen by cross-validation on the first 2^k of the answers, for the largest k.

    So the choice is a function of the answers alone, however often it is asked for, and all choices together take
    about twice the time of the last. The public regularisation is kept unless another predicts the answers better by
    more than a standard error of the difference. How well is the squared error of values, or the
    log-likelihood of labels: for two classes by the probability rho + (1 - 2 rho) / (1 + exp(-s m)) of an answer with
    margin m, at the best slope s; for more classes, and for trees, whether an answer is predicted.

    >>> from sklearn.linear_model import LogisticRegression
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((256, 20))
    >>> y, wrong = X[:, 0] > 0, rng.random(256) < 0.3
    >>> Tuned(LogisticRegression(), 0.0, rng).estimator(X, y).C
    100.0
    >>> Tuned(LogisticRegression(), 0.3, rng).estimator(X, y ^ wrong).C
    1.0
    """

    def __init__(
        self,
        estimator: Estimator,
        rho: float | None,
        rng: np.random.Generator,
        *,
        binary: bool = True,
        active: bool = False,
        choose: bool = True,
    ) -> None:
        """``estimator`` is unfitted and regularised as f* is; ``rho`` bounds the probability of a wrong label."""
        self._rho = UNKNOWN_RHO if rho is None else min(rho, 0.49)
        several = settings(estimator, may_be_wrong=rho != 0, binary=binary, active=active) if choose else []
        self._settings = several or [estimator]
        self._seed = random_state(rng)
        self._chosen: dict[int, Estimator] = {}

    def estimator(self, X: FloatArray, y: Array) -> Estimator:
        """An unfitted copy with the regularisation chosen for the answers ``y`` to the rows ``X``."""
        n = 1 << (len(X).bit_length() - 1)
        if n < FEWEST or len(self._settings) == 1:
            return clone(self._settings[0])
        if n not in self._chosen:
            self._chosen[n] = self._choose(X[:n], y[:n])
        return clone(self._chosen[n])

    def fit(self, X: FloatArray, y: Array) -> Estimator:
        """The learner fitted to the answers ``y`` to the rows ``X``."""
        return _fitted(self.estimator(X, y), X, y)

    def _choose(self, X: FloatArray, y: Array) -> Estimator:
        if is_regressor(self._settings[0]):
            return self._choose_by_error(X, y)
        parts, losses = folds(y, np.random.default_rng(self._seed)), []
        if any(len(np.unique(y[parts != part])) < 2 for part in range(FOLDS)):
            return self._settings[0]
        for setting in self._settings:
            margins = np.empty(len(y))
            for part in range(FOLDS):
                held = parts == part
                margins[held] = _margins(_fitted(clone(setting), X[~held], y[~held]), X[held], y[held])
            losses.append(_loss(margins, self._rho))
        return self._better(losses)

    def _choose_by_error(self, X: FloatArray, y: Array) -> Estimator:
        parts = np.random.default_rng(self._seed).permutation(len(y)) % FOLDS
        losses = []
        for setting in self._settings:
            errors = np.empty(len(y))
            for part in range(FOLDS):
                held = parts == part
                errors[held] = y[held] - np.ravel(_fitted(clone(setting), X[~held], y[~held]).predict(X[held]))
            losses.append(errors**2)
        return self._better(losses)

    def _better(self, losses: list[FloatArray]) -> Estimator:
        """The setting of the least loss in the mean, if it is better than the public one by more than chance."""
        gain = losses[0] - np.array(losses)  # beside the public one, of each answer
        mean, error = gain.mean(axis=1), gain.std(axis=1) / np.sqrt(gain.shape[1])
        return self._settings[int(np.argmax(np.where(mean > error, mean, 0.0)))]


def _fitted(estimator: Estimator, X: FloatArray, y: Array) -> Estimator:
    """``estimator`` fitted, without the warnings that its solver stopped early or fell back to another."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        for category in (ConvergenceWarning, LinAlgWarning):
            warnings.simplefilter("ignore", category)
        return estimator.fit(X, y)


def _margins(fitted: Estimator, X: FloatArray, y: Array) -> FloatArray:
    """How far each row of ``X`` is on the right side, shape (n,); infinite where only right or wrong is known."""
    if hasattr(fitted, "decision_function"):
        scores = np.asarray(fitted.decision_function(X))
        if scores.ndim == 1:
            return np.asarray(np.where(y == fitted.classes_[1], scores, -scores))
    return np.where(fitted.predict(X) == y, np.inf, -np.inf)


def _loss(margins: FloatArray, rho: float) -> FloatArray:
    """The loss of each answer by its margin, at the slope where they are least in the mean."""
    if np.isinf(margins).all():
        return np.asarray(margins < 0, dtype=np.float64)
    unit = np.median(np.abs(margins)) or 1.0
    flips = max(rho, 0.01)
    losses = -np.log(flips + (1 - 2 * flips) * expit(SLOPES[:, None] * margins / unit))
    return np.asarray(losses[np.argmin(losses.mean(axis=1))])


def folds(y: Array, rng: np.random.Generator) -> Array:
    """The part of each answer, shape (n,): at random, each class spread evenly over the parts."""
    part = np.empty(len(y), dtype=np.int64)
    for label in np.unique(y):
        where = rng.permutation(np.flatnonzero(y == label))
        part[where] = np.arange(len(where)) % FOLDS
    return part
