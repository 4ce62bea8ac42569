"""Active regression of smooth models with Gaussian processes."""

from __future__ import annotations

import warnings
from typing import ClassVar

import attrs
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mex import Knowledge, Learner, Model, Scope
from mex.params import component, doc, one_of, whole
from mex.toolkit.active import schedule
from mex.toolkit.active.batch_mode import BatchModeLearner
from mex.toolkit.active.samplers import sampler_parameter
from mex.toolkit.tuning import regularisation_parameter, tuned
from mex.types import Array, Estimator, FloatArray

RECENT = 50
"""On how many of the last values, at least, the two models are compared."""
CRITERIA = ("average", "variance", "leverage")
JITTERS = 10.0 ** np.arange(-10, 0)
"""Constants to add to the diagonal of the kernel matrix: the smallest with which it can be factored is taken."""


@attrs.frozen(kw_only=True)
class ActiveRegression:
    """Fit a Gaussian process to the values, ask a batch chosen by its variance, repeat.

    For kernel machines, Gaussian processes, neural networks and other smooth targets. The width and the noise of the
    kernel maximise the marginal likelihood, anew whenever the number of answers has doubled. The rows of a batch
    are chosen one by one, each given those before it: by ``average`` the one that lowers the variance summed
    over all candidates most, by ``variance`` the one whose own variance is largest. With ``leverage`` rows are drawn
    with probabilities in proportion to the variance (ridge leverage scores, Alaoui and Mahoney 2015). Apart from the
    kernel's parameters the choice does not depend on the values.

    A model of the public class is fitted as well. The hypothesis is the model that predicted the last values
    better before it was told them; the note gives that error in the units of the target.

    Measured: most of what it gains over passive learning is due to the process, not to the choice of rows, and
    on neural networks the public class predicts better than the process.

    >>> import mex
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.kernel_ridge import KernelRidge
    >>> X, y = load_diabetes(return_X_y=True)
    >>> ridge = make_pipeline(StandardScaler(), KernelRidge(kernel="rbf", gamma=0.05)).fit(X[::2], y[::2] - 152)
    >>> oracle = mex.Oracle(mex.FittedTarget.wrap(ridge, domain=mex.Domain.of(X)), budget=150)
    >>> learner = ActiveRegression().learner(oracle.knowledge(X[1::4]), np.random.default_rng(0))
    >>> stolen = mex.extract(oracle, learner, snapshots=False)
    >>> error = stolen.hypothesis.predict(X[3::4]) - ridge.predict(X[3::4])
    >>> bool(np.sqrt(np.mean(error**2)) < 0.06 * np.std(ridge.predict(X)))
    True
    """

    sampler: str = sampler_parameter("near")
    criterion: str = attrs.field(default="average", validator=one_of(*CRITERIA), metadata=doc("how a batch is chosen"))
    model: Model | None = attrs.field(
        default=None,
        metadata=component("model", "the model to fit besides the process; by default the public class of f* itself"),
    )
    regularisation: str = regularisation_parameter()
    tune: int = attrs.field(
        default=300, validator=whole(2), metadata=doc("most answers that the parameters of the kernel are fitted to")
    )
    start: int = schedule.start(20, least=1)
    batch: int = schedule.batch(10)
    growth: float = schedule.growth(0.2)
    explore: float = schedule.explore(0.25)
    candidates: int = schedule.candidates(1000)

    scope: ClassVar[Scope] = Scope(tasks="regression", answers="value")
    paper: ClassVar[str] = "MacKay 1992; Cohn 1994; Chandrasekaran et al. 2020, Appendix A.2"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start; refuses where there is no pool to draw from, or no end to the asking."""
        return _Regression(self, knowledge, rng)


class _Regression(BatchModeLearner):
    def __init__(self, attack: ActiveRegression, known: Knowledge, rng: np.random.Generator) -> None:
        super().__init__("active-regression", known, rng, schedule.Schedule.of(attack))
        self._criterion = attack.criterion
        self._tune = attack.tune
        has_public = known.family.learner is not None or attack.model is not None
        self._public = (
            tuned("active-regression", attack.model, attack.regularisation, known, rng) if has_public else None
        )
        width = known.domain.n_features**0.5
        self._kernel = ConstantKernel(1.0, (1e-2, 1e4)) * RBF(width, (1e-2, 1e3)) + WhiteKernel(1e-4, (1e-9, 1e1))
        self._tuned = 0  # how many answers there were when the kernel's parameters were fitted
        self._models: list[Estimator] = []  # fitted to all answers: the process and, if any, that of the public class
        self._better = 0  # the index in _models of the hypothesis
        self._squared_errors: FloatArray | None = None  # of each model on the last values, shape (models, values)
        self._error = ""

    @property
    def note(self) -> str:
        """How well the last values were predicted, or why there is no model."""
        return self.unfit or self._error

    def keep(self, X: FloatArray, answers: Array) -> None:
        """Compare the models' predictions with the values, then take the values."""
        if len(self.X):
            self.model()
            errors = np.array([(model.predict(X) - answers) ** 2 for model in self._models])
            if self._squared_errors is not None:
                errors = np.hstack([self._squared_errors, errors])[:, -max(RECENT, len(X)) :]
            self._squared_errors = errors
            rms = np.sqrt(errors.mean(axis=1))
            self._better = int(np.argmin(rms))
            name = ("Gaussian process", "model of the public class")[self._better]
            error = f"{rms.min():.3g} in the units of the target"
            last = f"the last {errors.shape[1]} values"
            self._error = f"a {name} predicted {last} with a root mean square error of {error}"
        super().keep(X, answers)

    def fit(self) -> Estimator:
        """Fit both models and return the one that predicted better so far."""
        self._models = [self._fit_process()]
        if self._public is not None and self.answers is not None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # the comparison says how good it is
                self._models.append(self._public.fit(self.X, self.answers))
        return self._models[self._better]

    def _fit_process(self) -> Estimator:
        """The process of all answers; the kernel's parameters are fitted if the answers have doubled."""
        if len(self.X) >= 2 * self._tuned:
            subset = self.rng.permutation(len(self.X))[: self._tune]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # a parameter may end at its bound
                self._kernel = self._interpolate(subset, "fmin_l_bfgs_b")[-1].kernel_
            self._tuned = len(self.X)
        return self._interpolate(np.arange(len(self.X)), None)

    def _interpolate(self, subset: Array, optimizer: str | None) -> Estimator:
        """The process of a subset of the answers, by index, with the kernel so far or one optimised from it."""
        assert self.answers is not None
        for jitter in JITTERS:
            process = GaussianProcessRegressor(self._kernel, alpha=jitter, optimizer=optimizer, normalize_y=True)
            try:
                return make_pipeline(StandardScaler(), process).fit(self.X[subset], self.answers[subset])
            except np.linalg.LinAlgError:  # rows are too close together for the width
                if jitter == JITTERS[-1]:
                    raise
        raise AssertionError("unreachable")

    def choose(self, fitted: Estimator, rows: FloatArray, n: int) -> Array:
        """Choose by the process, whichever model is the hypothesis."""
        process = self._models[0]
        if self._criterion == "leverage":
            variance = process.predict(rows, return_std=True)[1] ** 2
            return np.asarray(self.rng.choice(len(rows), size=n, replace=False, p=variance / variance.sum()))
        return greedy(process.predict(rows, return_cov=True)[1], n, average=self._criterion == "average")


def greedy(covariance: FloatArray, n: int, average: bool) -> Array:
    """The indices of ``n`` variables to observe, chosen one after the other, given their covariance.

    Each is the one of largest variance given those before it, which are the pivots of a Cholesky factorisation;
    with ``average`` it is the one that lowers the sum of all variances most.

    >>> covariance = np.array([[2.0, 1.3, 0.0], [1.3, 1.9, 1.0], [0.0, 1.0, 1.0]])
    >>> greedy(covariance, 1, average=False), greedy(covariance, 2, average=True)
    (array([0]), array([1, 0]))
    """
    left = covariance.copy()  # the covariance given those chosen
    floor = np.finfo(np.float64).eps * max(float(np.diag(left).max()), np.finfo(np.float64).tiny)
    chosen = np.zeros(n, dtype=np.int64)
    for k in range(n):
        variance = np.maximum(np.diag(left), floor)
        gain = (left**2).sum(axis=0) / variance if average else variance
        gain[chosen[:k]] = -1
        i = chosen[k] = np.argmax(gain)
        left -= np.outer(left[i], left[i] / variance[i])
    return chosen
