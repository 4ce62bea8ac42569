"""Rows like those to come, and what the answer to a row is expected to tell of theirs."""

from __future__ import annotations

import numpy as np
from scipy.special import log_ndtr

from mex.domain import Domain
from mex.toolkit.active.samplers import between_rows
from mex.toolkit.bayes_point.scores import Scores
from mex.types import FloatArray

TINY = 1e-300


class Population:
    """Rows of a bounded domain, and rows near the data if there are some.

    Args:
        domain: the domain.
        pool: rows like the data, or None.
        rng: for the rows.
    """

    def __init__(self, domain: Domain, pool: FloatArray | None, rng: np.random.Generator) -> None:
        self._domain = domain
        self.pool = None if pool is None or len(pool) == 0 else domain.clip(pool.copy())
        self._rng = rng

    def draw(self, n: int, near: float) -> FloatArray:
        """Rows, shape (n, n_features): the share ``near`` of them, the last ones, near the data, the others uniform."""
        X = self._domain.sample(n, self._rng)
        if self.pool is not None and (m := round(near * n)):
            X[n - m :] = between_rows(self.pool, self._domain, m, self._rng, crossover=True)
        return X


def told_of_others(
    scores: Scores, rows: FloatArray, others: FloatArray, mean: FloatArray, cov: FloatArray
) -> FloatArray:
    """How much the answer to each row tells of the labels of others and of its own score, on a scale of its own.

    Two signs whose scores have the correlation r share about r^2 h(z) h(z') bits, where r is small, with the z of both
    and h(z) = phi(z)^2 / (Phi(z) Phi(-z)). The sum over the others is the expected predictive information gain
    (Bickford Smith et al. 2023). It is weighed by the variance of the row's own score, as later on only that counts.

    Args:
        scores: of the classes.
        rows, others: encoded, shape (n, d) and (m, d); of several classes the likeliest two of each count.
        mean, cov: the moments of the weights.

    Returns:
        shape (n,).
    """
    a, b = (scores.difference(P, *scores.likeliest(P, mean)) for P in (rows, others))
    across = a @ cov
    own = np.maximum(np.einsum("ij,ij->i", across, a), TINY)
    theirs = np.maximum(np.einsum("ij,ij->i", b @ cov, b), TINY)
    shared = (across @ b.T) ** 2 @ (_openness(b @ mean / np.sqrt(theirs)) / theirs)
    return np.asarray(_openness(a @ mean / np.sqrt(own)) * shared)


def _openness(z: FloatArray) -> FloatArray:
    """The square of the normal density over the variance of the sign."""
    return np.asarray(np.exp(-(z**2) - log_ndtr(z) - log_ndtr(-z)) / (2 * np.pi))
