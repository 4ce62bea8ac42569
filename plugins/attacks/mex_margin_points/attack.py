"""Queries spread along the boundary of the model so far."""

from __future__ import annotations

from math import cbrt
from typing import ClassVar

import attrs
import numpy as np
from scipy.linalg import cholesky, solve_triangular

from mex import Knowledge, Learner
from mex.learner import Steps
from mex.params import doc, one_of, optional, whole
from mex.toolkit.kernels.diversity import diverse_batch
from mex.toolkit.kernels.functions import Covariance, Kernel
from mex.toolkit.kernels.learner import KernelLearner
from mex.toolkit.kernels.machine import KernelMachine
from mex.toolkit.kernels.parameters import KernelAttack
from mex.toolkit.kernels.prior import ROWS, DataCovariance
from mex.toolkit.kernels.selection import best_by_leave_one_out
from mex.types import Estimator, FloatArray

GROWTH = 0.05
"""The rows of a batch as a share of those asked: refits get rarer as each label changes the model less."""


@attrs.frozen(kw_only=True)
class MarginPoints(KernelAttack):
    """Find many rows on the boundary of the model so far, without a query, and ask the most informative of them.

    The rows are found by bisection on the model between candidates on either side of it; where features are discrete
    each is the valid row nearest the boundary. ``choice="variance"``: labels are taken for observations of a Gaussian
    process with the kernel of the machine, and each row is the one that reduces its variance, summed over the boundary
    rows, most, given the rows chosen before it (Cohn, Ghahramani and Jordan 1996). ``choice="diversity"``: each is far
    in feature space from all rows asked and chosen (Brinker 2003).

    When the number of rows asked passes a cube (8, 27, 64, ...), one row is not on the boundary: it is the one of
    largest variance among random candidates, since a region where the model has no boundary would never be asked.

    With ``prior="data"`` a second machine is fitted to the answers, whose covariance is that of machines trained on
    data like the pool (:class:`.DataCovariance`). The hypothesis is whichever of the two machines predicts each answer
    better from all others; the rows are always chosen by the first.

    >>> import mex
    >>> from sklearn.datasets import make_moons
    >>> from sklearn.svm import SVC
    >>> X, y = make_moons(400, noise=0.2, random_state=0)
    >>> family = mex.Family("kernel", {"kernel": "rbf", "gamma": 1.0}, SVC(gamma=1.0))
    >>> target = mex.FittedTarget.wrap(SVC(gamma=1.0).fit(X, y), domain=mex.Domain.of(X), family=family)
    >>> oracle = mex.Oracle(target, budget=60)
    >>> learner = MarginPoints().learner(oracle.knowledge(pool=X), np.random.default_rng(0))
    >>> stolen = mex.extract(oracle, learner, snapshots=False)
    >>> bool(np.mean(stolen.hypothesis.predict(X) == target.answer(X, "label")) > 0.98)
    True
    """

    choice: str = attrs.field(
        default="variance",
        validator=one_of("variance", "diversity"),
        metadata=doc("how boundary rows are chosen"),
    )
    points: int = attrs.field(default=300, validator=whole(1), metadata=doc("boundary rows to choose from"))
    prior: str = attrs.field(
        default="data",
        validator=one_of("data", "kernel"),
        metadata=doc(
            "covariance that the hypothesis may have: of machines trained on data like the pool, or the kernel"
        ),
    )
    batch: int | None = attrs.field(
        default=None,
        validator=optional(whole(1)),
        metadata=doc("rows to ask between two fits; by default 5 % of those asked"),
    )

    paper: ClassVar[str] = "ours; Cohn, Ghahramani and Jordan 1996, Section 4; Brinker 2003"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start; refuses where there is no pool to draw from, or no end."""
        return _MarginPoints(self, knowledge, rng)


class _MarginPoints(KernelLearner):
    def __init__(self, attack: MarginPoints, known: Knowledge, rng: np.random.Generator) -> None:
        super().__init__(attack, known, rng)
        self._parameters = attack
        rows = self.draw(ROWS) if known.pool is None or len(known.pool) == 0 else known.pool
        self._data = self.encode(rows[rng.permutation(len(rows))[:ROWS]])
        self._factor: FloatArray = np.empty((0, 0))  # of the covariance of noisy decision values
        self._factor_of: tuple[Covariance, float] | None = None  # the kernel and the noise

    def queries(self) -> Steps:
        attack = self._parameters
        choose = self._choose_by_variance if attack.choice == "variance" else self._choose_by_diversity
        while True:
            n = attack.batch or max(1, int(GROWTH * self.n))
            X = self.boundary_rows(attack.points)
            X = X[choose(self.encode(X), n)] if len(X) else self.draw_unseen(n)  # the model has no boundary yet
            if int(cbrt(self.n + len(X))) > int(cbrt(self.n)):
                anywhere = self.draw_unseen(attack.points)
                most_uncertain = np.argsort(self.machine.variance(self.encode(anywhere)))[-1:]
                X = self.unseen(np.concatenate([anywhere[most_uncertain], X[1:]]))
            if len(X) == 0:
                return
            yield from self.query(X)

    def _choose_by_diversity(self, Z: FloatArray, n: int) -> list[int]:
        """The indices of up to ``n`` of the encoded rows ``Z`` that are unlike those asked and each other."""
        kernel, rows = self.machine.kernel, self.machine.X
        lengths = np.sqrt(np.outer(kernel.diagonal(rows), kernel.diagonal(Z)))
        similarity = (np.abs(kernel(rows, Z)) / np.maximum(lengths, 1e-12)).max(axis=0)
        cost = np.abs(self.machine.decision_function(Z))
        return diverse_batch(kernel, Z, cost, n, weight=0.5, similarity=similarity)

    def _choose_by_variance(self, Z: FloatArray, n: int) -> list[int]:
        """The indices of up to ``n`` of the encoded rows ``Z`` that lower the variance summed over all of them most."""
        kernel, rows, noise = self.machine.kernel, self.machine.X, 1 / self.machine.C
        explained = solve_triangular(self._update_factor(noise), kernel(rows, Z), lower=True, check_finite=False)
        covariance = kernel(Z, Z) - explained.T @ explained
        weight = np.exp(-np.abs(self.machine.decision_function(Z)))  # 1 on the boundary, small beyond the margin
        chosen: list[int] = []
        for _ in range(min(n, len(Z))):
            observed = np.maximum(np.diag(covariance), 0) + noise
            gain = weight * (covariance**2).sum(axis=0) / observed
            gain[chosen] = -1
            j = int(np.argmax(gain))
            chosen.append(j)
            covariance -= np.outer(covariance[:, j], covariance[:, j]) / observed[j]
        return chosen

    def _update_factor(self, noise: float) -> FloatArray:
        """The lower factor of K + ``noise`` I, shape (n, n), from that of the rows before, if kernel and noise stay."""
        K, kernel = self.machine.K, self.machine.kernel
        if self._factor_of != (kernel, noise):
            self._factor_of = kernel, noise
            self._factor = np.empty((0, 0))
        n, m = len(self._factor), len(K) - len(self._factor)
        below = solve_triangular(self._factor, K[:n, n:], lower=True, check_finite=False) if n else np.empty((0, m))
        rest = K[n:, n:] + noise * np.eye(m) - below.T @ below
        corner = cholesky(rest, lower=True, check_finite=False) if m else rest
        self._factor = np.block([[self._factor, np.zeros((n, m))], [below.T, corner]])
        return self._factor

    def hypothesis(self) -> Estimator:
        """The machine, or one with the covariance of the data, whichever predicts left-out answers better."""
        if not self.has_both_labels or self._parameters.prior == "kernel":
            return super().hypothesis()
        plain = self.machine
        assert isinstance(plain.kernel, Kernel)
        covariance = DataCovariance.of(plain.kernel, self._data)
        informed = KernelMachine(covariance, plain.C).add(plain.X, plain.y).fit()
        return self.classifier(best_by_leave_one_out([informed, plain], self.error_rate))
