"""Queries spread over the boundary of the model so far."""

from __future__ import annotations

from math import isqrt
from typing import ClassVar

import attrs
import numpy as np
from scipy.linalg import cholesky, solve_triangular

from mex import Knowledge, Learner
from mex.kernels.attack import KernelAttack
from mex.kernels.diversity import spread
from mex.kernels.functions import Covariance, Kernel
from mex.kernels.learner import KernelLearner
from mex.kernels.prior import ROWS, TrainedOn
from mex.learner import Steps
from mex.params import doc, one_of, optional, whole
from mex.types import FloatArray

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

    What the model has not seen has no boundary: of the rows asked, the 16th, the 36th and so on are chosen among
    random candidates, and the 9th, the 25th and so on among all rows of the domain, where far from the data f* is
    nearly constant and few answers settle much. Their share falls as there is less left to find.

    f* is an expansion in rows of its training data, and the pool is like these: a machine that takes this for its
    prior (:class:`mex.kernels.prior.TrainedOn`) often needs fewer answers; how many fewer varies much.

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
        default="search",
        validator=one_of("search", "data", "kernel"),
        metadata=doc(
            "what f* is before the first answer: an expansion in rows like the pool's (data), or in any (kernel);"
            " or the one of the two that predicts answers left out best (search)"
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
        self._points = attack
        super().__init__(attack, known, rng)

    def priors(self, kernel: Kernel) -> list[Covariance]:
        """A machine trained on rows like those of the pool, or of the sampler where there is none; any machine."""
        if self._points.prior == "kernel":
            return [kernel]
        rows = self.known.pool if self.known.pool is not None and len(self.known.pool) else self.draw(ROWS)
        data = TrainedOn.of(kernel, self.encode(rows[self.rng.permutation(len(rows))[:ROWS]]))
        return [data] if self._points.prior == "data" else [data, kernel]

    def rounds(self) -> Steps:
        """Batch after batch; random rows where the model says the same of all candidates."""
        while True:
            n = self._points.batch or max(1, int(GROWTH * self.n))
            X = self._batch(n)
            X = X if len(X) else self.candidates(n)
            if len(X) == 0:
                return
            yield from self.query(X)

    def _batch(self, n: int) -> FloatArray:
        """``n`` rows, most of them on the boundary; those whose numbers are squares look for what is beyond it."""
        choose = self._most_telling if self._points.choice == "variance" else self._farthest
        squares = range(isqrt(self.n) + 1, isqrt(self.n + n) + 1)
        anywhere = sum(root % 2 for root in squares)
        near = len(squares) - anywhere
        batch = []
        for source, m in ((self.crossings, n - near - anywhere), (self.candidates, near), (self._anywhere, anywhere)):
            X = source(self._points.points) if m else self.rows[:0]
            batch.append(X[choose(self.encode(X), m)] if len(X) else X)
        return self.new(np.concatenate(batch))

    def _anywhere(self, n: int) -> FloatArray:
        """Rows of the whole domain, unless it was said where to look."""
        return self.candidates(n) if self._points.sampler else self.new(self.known.domain.sample(n, self.rng))

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
