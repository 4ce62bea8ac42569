"""Queries spread over the boundary of the model so far."""

from __future__ import annotations

from math import cbrt
from typing import ClassVar

import attrs
import numpy as np
from scipy.linalg import cholesky, solve_triangular

from mex import Knowledge, Learner
from mex.learner import Steps
from mex.params import doc, one_of, optional, whole
from mex.toolkit.kernels.diversity import spread
from mex.toolkit.kernels.functions import Kernel
from mex.toolkit.kernels.learner import KernelLearner
from mex.toolkit.kernels.machine import KernelMachine
from mex.toolkit.kernels.parameters import KernelAttack
from mex.toolkit.kernels.prior import ROWS, TrainedOn
from mex.toolkit.kernels.selection import best_left_out
from mex.types import Estimator, FloatArray

GROWTH = 0.05
"""How many rows to ask at once, as a share of those asked: refits get rarer as each label changes less."""


@attrs.frozen(kw_only=True)
class MarginPoints(KernelAttack):
    """Find many points on the boundary of the model so far, without a query, and ask those that tell most.

    A point that is *nearly* on the boundary of the model can be found among random candidates, as margin
    sampling does; one that is *exactly* on it by bisecting between two candidates on either side. There
    are as many as one likes, along the whole boundary, so that what is left to choose is where on it to ask.
    ``choice="variance"``: labels are taken for observations of a Gaussian process with the kernel of the machine,
    and each query reduces its variance, summed over the boundary points, the most (Cohn, Ghahramani and Jordan
    1996); each pick counts as observed for the next. ``choice="diversity"``: far in feature space from
    all rows asked (Brinker 2003). Where features are discrete the ways between candidates go from one valid row
    to the next, and the valid row nearest the boundary is asked.

    What the model has not seen has no boundary: of the rows asked the 8th, the 27th, the 64th and so on are not on
    it, but where the model is freest among random candidates.

    f* is an expansion in rows of its training data, and the pool is like these. A machine whose prior says this
    (``TrainedOn``) often needs fewer answers, but takes too much for smooth to be trusted
    with the choice of the rows. So it is fitted to the answers in the end, and is the hypothesis if it predicts each
    of them better by all others than the machine that chose.

    >>> import mex
    >>> from sklearn.datasets import make_moons
    >>> from sklearn.svm import SVC
    >>> X, y = make_moons(400, noise=0.2, random_state=0)
    >>> family = mex.Family("kernel", {"kernel": "rbf", "gamma": 1.0}, SVC(gamma=1.0))
    >>> target = mex.FittedTarget.wrap(SVC(gamma=1.0).fit(X, y), domain=mex.Domain.of(X), family=family)
    >>> oracle = mex.Oracle(target, budget=60)
    >>> stolen = mex.extract(oracle, MarginPoints().learner(oracle.knowledge(pool=X), np.random.default_rng(0)))
    >>> bool(np.mean(stolen.hypothesis.predict(X) == target.answer(X, "label")) > 0.98)
    True
    """

    choice: str = attrs.field(
        default="variance",
        validator=one_of("variance", "diversity"),
        metadata=doc("which points on the boundary to ask"),
    )
    points: int = attrs.field(default=300, validator=whole(1), metadata=doc("points on the boundary to choose from"))
    prior: str = attrs.field(
        default="data",
        validator=one_of("data", "kernel"),
        metadata=doc("whether the hypothesis may be one that was trained on rows like the pool's (data)"),
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
        self._points = attack
        rows = self.draw(ROWS) if known.pool is None or len(known.pool) == 0 else known.pool
        self._like = self.encode(rows[rng.permutation(len(rows))[:ROWS]])

    def rounds(self) -> Steps:
        """Batch after batch; random rows where the model says the same of all candidates."""
        choose = self._most_telling if self._points.choice == "variance" else self._farthest
        while True:
            n = self._points.batch or max(1, int(GROWTH * self.n))
            X = self.crossings(self._points.points)
            X = X[choose(self.encode(X), n)] if len(X) else self.candidates(n)
            if int(cbrt(self.n + len(X))) > int(cbrt(self.n)):
                elsewhere = self.candidates(self._points.points)
                freest = np.argsort(self.machine.variance(self.encode(elsewhere)))[-1:]
                X = self.new(np.concatenate([elsewhere[freest], X[1:]]))
            if len(X) == 0:
                return
            yield from self.query(X)

    def _farthest(self, Z: FloatArray, n: int) -> list[int]:
        kernel, rows = self.machine.kernel, self.machine.X
        lengths = np.sqrt(np.outer(kernel.diagonal(rows), kernel.diagonal(Z)))
        near = (np.abs(kernel(rows, Z)) / np.maximum(lengths, 1e-12)).max(axis=0)
        return spread(kernel, Z, np.abs(self.machine.decide(Z)), n, weight=0.5, near=near)

    def _most_telling(self, Z: FloatArray, n: int) -> list[int]:
        kernel, rows, noise = self.machine.kernel, self.machine.X, 1 / self.machine.C
        factor = cholesky(self.machine.K + noise * np.eye(len(rows)), lower=True, check_finite=False)
        explained = solve_triangular(factor, kernel(rows, Z), lower=True, check_finite=False)
        covariance = kernel(Z, Z) - explained.T @ explained
        unsure = np.exp(-np.abs(self.machine.decide(Z)))  # on the boundary 1, beyond the margin little
        chosen: list[int] = []
        for _ in range(min(n, len(Z))):
            observed = np.maximum(np.diag(covariance), 0) + noise
            gain = unsure * (covariance**2).sum(axis=0) / observed
            gain[chosen] = -1
            j = int(np.argmax(gain))
            chosen.append(j)
            covariance -= np.outer(covariance[:, j], covariance[:, j]) / observed[j]
        return chosen

    def hypothesis(self) -> Estimator:
        """Of the machine that chose the rows and one that knows the data, the one that predicts answers better."""
        if not self.both or self._points.prior == "kernel":
            return super().hypothesis()
        plain = self.machine
        assert isinstance(plain.kernel, Kernel)
        informed = KernelMachine(TrainedOn.of(plain.kernel, self._like), plain.C).add(plain.X, plain.y).fit()
        return self.classifier(best_left_out([informed, plain], self.floor))
