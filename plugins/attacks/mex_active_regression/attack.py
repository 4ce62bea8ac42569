"""Active regression of smooth models."""

from __future__ import annotations

import warnings
from typing import ClassVar

import attrs
import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mex import Knowledge, Learner, Model, Scope
from mex.params import between, component, doc, one_of, whole
from mex.toolkit.active.batch_mode import Rounds, Schedule
from mex.toolkit.active.samplers import SAMPLERS
from mex.toolkit.models import learner_over
from mex.types import Array, Estimator, FloatArray

RECENT = 50
"""How many of the last values the rivals are compared on, if the last round has fewer."""
CRITERIA = ("average", "variance", "leverage")
JITTERS = 10.0 ** np.arange(-10, 0)
"""What is added to the diagonal of the kernel matrix: the least of these with which it can be factored."""


@attrs.frozen(kw_only=True)
class ActiveRegression:
    """Fit a Gaussian process to the values, ask what tells most about the others, fit again.

    For kernel machines, Gaussian processes, neural networks and whatever else is smooth. The kernel's width and
    noise are those of greatest marginal likelihood, found anew whenever the answers have doubled. A round
    is chosen greedily, each row given those before it: by ``average`` the one that lowers the variance of all
    candidates most, by ``variance`` the one whose own is largest. By ``leverage`` it is drawn in proportion to the
    variance (ridge leverage scores, Alaoui and Mahoney 2015). None of them looks at the values but for
    the kernel, so noise does no harm to the choice. Most of the gain over passive learning comes from the process,
    not from the choice: it interpolates, where the public class shrinks its fit by the operator's penalty.

    A model of the public class is fitted as well, and the hypothesis is whichever predicted the last values
    better before it was told them. That error is noted, in the units of the target. Of a
    neural network the public class is the better student, and the choice buys next to nothing.

    >>> import mex
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.kernel_ridge import KernelRidge
    >>> X, y = load_diabetes(return_X_y=True)
    >>> ridge = make_pipeline(StandardScaler(), KernelRidge(kernel="rbf", gamma=0.05)).fit(X[::2], y[::2] - 152)
    >>> oracle = mex.Oracle(mex.FittedTarget.wrap(ridge, domain=mex.Domain.of(X)), budget=150)
    >>> stolen = mex.extract(oracle, ActiveRegression().learner(oracle.knowledge(X[1::4]), np.random.default_rng(0)))
    >>> error = stolen.hypothesis.predict(X[3::4]) - ridge.predict(X[3::4])
    >>> bool(np.sqrt(np.mean(error**2)) < 0.06 * np.std(ridge.predict(X)))
    True
    """

    sampler: str = attrs.field(
        default="near", validator=one_of(*SAMPLERS), metadata=doc("where the candidates come from")
    )
    criterion: str = attrs.field(default="average", validator=one_of(*CRITERIA), metadata=doc("how a round is chosen"))
    model: Model | None = attrs.field(
        default=None,
        metadata=component("model", "the model to fit beside the process; by default the public class of f* itself"),
    )
    tune: int = attrs.field(
        default=300, validator=whole(2), metadata=doc("how many answers at most the kernel is fitted to")
    )
    start: int = attrs.field(default=20, validator=whole(1), metadata=doc("random rows to ask first"))
    batch: int = attrs.field(default=10, validator=whole(1), metadata=doc("rows of a round at least"))
    growth: float = attrs.field(
        default=0.2, validator=between(0, 10), metadata=doc("rows of a round as a share of the answers so far")
    )
    explore: float = attrs.field(default=0.25, validator=between(0, 1), metadata=doc("share of a round that is random"))
    candidates: int = attrs.field(
        default=1000, validator=whole(1), metadata=doc("rows to choose from in each round, unless they are the pool")
    )

    scope: ClassVar[Scope] = Scope(tasks="regression", answers="value")
    paper: ClassVar[str] = "MacKay 1992; Cohn 1994; Chandrasekaran et al. 2020, Appendix A.2"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start; refuses where there is no pool to draw from, or no end to the asking."""
        return _Regression(self, knowledge, rng)


class _Regression(Rounds):
    def __init__(self, attack: ActiveRegression, known: Knowledge, rng: np.random.Generator) -> None:
        super().__init__("active-regression", known, rng, Schedule.of(attack))
        self._criterion, self._tune = attack.criterion, attack.tune
        public = known.family.learner is not None or attack.model is not None
        self._public = learner_over("active-regression", attack.model, known, rng) if public else None
        d = known.domain.n_features
        self._kernel = ConstantKernel(1.0, (1e-2, 1e4)) * RBF(d**0.5, (1e-2, 1e3)) + WhiteKernel(1e-4, (1e-9, 1e1))
        self._tuned, self._better = 0, 0
        self._missed: FloatArray | None = None  # by how much each rival missed the last values, squared
        self._rivals: list[Estimator] = []  # fitted to all answers: the process, and a model of the public class
        self.note = ""

    def tell(self, X: FloatArray, answers: Array) -> None:
        """Take the values, and see first how well they were predicted."""
        if len(self.X):
            self.hypothesis()
            missed = np.array([(rival.predict(X) - answers) ** 2 for rival in self._rivals])
            if self._missed is not None:
                missed = np.hstack([self._missed, missed])[:, -max(RECENT, len(X)) :]
            errors, self._missed = np.sqrt(missed.mean(axis=1)), missed
            self._better = int(np.argmin(errors))
            name = ("Gaussian process", "model of the public class")[self._better]
            error = f"{errors.min():.3g} in the units of the target"
            self.note = f"a {name} predicted the last {missed.shape[1]} values with a root mean square error of {error}"
        super().tell(X, answers)

    def fit(self) -> Estimator:
        """Both rivals; the better one so far is the hypothesis."""
        self._rivals = [self._process()]
        if self._public is not None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # it is only as good as it predicts
                self._rivals.append(clone(self._public).fit(self.X, self.answers))
        return self._rivals[self._better]

    def _process(self) -> Estimator:
        if len(self.X) >= 2 * self._tuned:
            some = self.rng.permutation(len(self.X))[: self._tune]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # a parameter at its bound is as good as any
                self._kernel = self._interpolate(some, "fmin_l_bfgs_b")[-1].kernel_
            self._tuned = len(self.X)
        return self._interpolate(np.arange(len(self.X)), None)

    def _interpolate(self, some: Array, optimizer: str | None) -> Estimator:
        """A process of some of the answers, with the kernel so far or one tuned from it."""
        assert self.answers is not None
        for jitter in JITTERS:
            process = GaussianProcessRegressor(self._kernel, alpha=jitter, optimizer=optimizer, normalize_y=True)
            try:
                return make_pipeline(StandardScaler(), process).fit(self.X[some], self.answers[some])
            except np.linalg.LinAlgError:  # rows too near each other for the width
                if jitter == JITTERS[-1]:
                    raise
        raise AssertionError("unreachable")

    def choose(self, fitted: Estimator, rows: FloatArray, n: int) -> Array:
        """The rows by the criterion, whichever rival is the hypothesis."""
        process = self._rivals[0]
        if self._criterion == "leverage":
            variance = process.predict(rows, return_std=True)[1] ** 2
            return np.asarray(self.rng.choice(len(rows), size=n, replace=False, p=variance / variance.sum()))
        return greedy(process.predict(rows, return_cov=True)[1], n, average=self._criterion == "average")


def greedy(covariance: FloatArray, n: int, average: bool) -> Array:
    """Which ``n`` variables to observe, one after the other, given their covariance.

    Each is the one of largest variance given those before it (the pivots of a Cholesky factorisation), or
    with ``average`` the one that lowers the sum of all variances most.

    >>> covariance = np.array([[2.0, 1.3, 0.0], [1.3, 1.9, 1.0], [0.0, 1.0, 1.0]])
    >>> greedy(covariance, 1, average=False), greedy(covariance, 2, average=True)
    (array([0]), array([1, 0]))
    """
    left = covariance.copy()
    least = np.finfo(np.float64).eps * max(float(np.diag(left).max()), np.finfo(np.float64).tiny)
    chosen = np.zeros(n, dtype=np.int64)
    for k in range(n):
        variance = np.maximum(np.diag(left), least)
        gain = (left**2).sum(axis=0) / variance if average else variance
        gain[chosen[:k]] = -1
        i = chosen[k] = np.argmax(gain)
        left -= np.outer(left[i], left[i] / variance[i])
    return chosen
