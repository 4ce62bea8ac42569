"""The learner of ``probit``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mex.types import FloatArray
from mex_probit.posterior import Posterior

if TYPE_CHECKING:
    from mex_probit.attack import Probit

IntArray = npt.NDArray[np.int64]

NARROWEST = 1e-6
"""The least standard deviation that is assumed, since the learner divides by it."""
GROWTH = 0.25
"""The size of a batch, as a share of the directions asked so far."""


class NoisyDirectionLearner:
    """A learner of the mean of random normals whose covariance is known."""

    def __init__(self, attack: Probit, d: int, rng: np.random.Generator) -> None:
        self._attack = attack
        self._rng = rng
        self._spread = np.maximum(np.broadcast_to(attack.spread, d), NARROWEST).astype(np.float64)
        self._posterior = Posterior(d)
        self._asked = 0
        self._pending: FloatArray | None = self._batch()

    def ask(self) -> FloatArray | None:
        """Directions orthogonal to draws of the mean, shape (n, d); None at the end."""
        return self._pending

    def tell(self, V: FloatArray, signs: FloatArray) -> None:
        """Add the rows x y / sqrt(x' Sigma x) to the probit model."""
        noise, before = np.linalg.norm(V * self._spread, axis=1), self.estimate()
        self._posterior.add(V * (signs / noise)[:, None])
        self._asked += len(V)
        # If the mean still moves by more than eps, the posterior is too narrow.
        settled = np.linalg.norm(self.estimate() - before) <= self._attack.eps
        self._pending = None if settled and self._error() <= self._attack.eps else self._batch()

    def estimate(self) -> FloatArray:
        """The direction of the posterior mean."""
        mean = self._posterior.mean
        length = float(np.linalg.norm(mean))
        return mean / length if length > 0 else mean

    def _projection(self) -> FloatArray:
        """The projection along the mean, shape (d, d)."""
        unit = self.estimate()
        return np.asarray(np.eye(len(unit)) - np.outer(unit, unit))

    def _error(self) -> float:
        """The root mean square error of the direction under the posterior."""
        P, length = self._projection(), float(np.linalg.norm(self._posterior.mean))
        return float(np.sqrt(np.trace(P @ self._posterior.cov @ P)) / length) if length > 0 else np.inf

    def _batch(self) -> FloatArray:
        """The next directions, shape (n, d)."""
        mean, cov = self._posterior.mean, self._posterior.cov
        n = int(np.clip(GROWTH * self._asked, min(len(mean), self._attack.batch), self._attack.batch))
        P = self._projection()
        values, axes = np.linalg.eigh(P * self._spread**2 @ P)
        first = 1 if len(mean) > 1 and mean.any() else 0  # the mean, which P maps to 0
        noise, U = np.maximum(values[first:], NARROWEST**2), axes[:, first:]
        variance = np.einsum("ik,ij,jk->k", U, cov, U)
        counts = allocate(1 / variance, 2 / np.pi / (noise + variance), n)
        V = np.repeat(U.T, counts, axis=0)
        drawn = mean + self._rng.standard_normal(V.shape) @ np.linalg.cholesky(cov).T
        across = V - np.einsum("ij,ij->i", V, drawn)[:, None] / np.sum(drawn**2, axis=1)[:, None] * drawn
        usable = np.linalg.norm(across, axis=1, keepdims=True) > 1e-6  # in one dimension nothing is orthogonal
        sides = self._rng.choice([-1.0, 1.0], (n, 1))  # or labels that are all alike would be those of a halfspace
        return np.asarray(sides * np.where(usable, across, V))


def allocate(precision: FloatArray, information: FloatArray, n: int) -> IntArray:
    """How many of ``n`` queries to ask of each direction, shape (k,), so that the sum of their variances is least.

    Args:
        precision: the inverse variance of each direction, shape (k,).
        information: what each query adds to it, shape (k,).
        n: the number of queries.

    >>> allocate(np.ones(3), np.array([1.0, 1.0, 0.25]), 90)
    array([23, 23, 44])
    """
    # The slope of 1 / (q + i n) in n is -i / (q + i n)^2: the slopes of all directions that get queries are equal.
    low, high = 0.0, float(np.max((precision + information * n) / np.sqrt(information)))
    for _ in range(60):
        level = (low + high) / 2
        low, high = (level, high) if _at_level(precision, information, level).sum() < n else (low, level)
    exact = np.cumsum(_at_level(precision, information, high))
    upto = np.rint(exact / exact[-1] * n).astype(np.int64)
    return np.asarray(np.diff(upto, prepend=0))


def _at_level(precision: FloatArray, information: FloatArray, level: float) -> FloatArray:
    """The queries of each direction, not rounded, for one common slope of -1 / level^2."""
    return np.asarray(np.maximum(level / np.sqrt(information) - precision / information, 0.0))
