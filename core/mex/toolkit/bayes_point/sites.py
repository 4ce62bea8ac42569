"""Sites: Gaussians in the scores of rows, each in place of the likelihood of a sign."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mex.types import FloatArray

if TYPE_CHECKING:
    from mex.toolkit.bayes_point.posterior import SignModel

TINY = 1e-300
FAR = 8.0
"""A row whose sign is so many standard deviations from being another tells nothing."""
WIDEST = 16.0
"""How many times larger a variance may become in one step; by more only if no precision is negative."""


def one_by_one(
    model: SignModel, mean: FloatArray, cov: FloatArray, offset: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The precision and the shift of the site of each of n scores N(offset + mean, cov), given those before it."""
    mean, cov = mean.copy(), cov.copy()
    precision, shift = np.zeros((2, len(mean)))
    for i in range(len(mean)):
        v = max(float(cov[i, i]), TINY)
        if offset[i] + mean[i] > FAR * np.sqrt(v + model.spread**2):
            continue
        p, h = (float(x[0]) for x in model.site(mean[i : i + 1], np.array([v]), offset[i : i + 1]))
        precision[i], shift[i], across = p, h, cov[:, i].copy()
        mean += across * ((h - p * mean[i]) / (1 + p * v))
        cov -= p / (1 + p * v) * np.multiply.outer(across, across)
    return precision, shift


def combined(
    rows: FloatArray, precision: FloatArray, shift: FloatArray, prior: FloatArray, pull: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The covariance and the mean of a Gaussian prior times sites of the products with ``rows``, shape (n, d).

    Where negative precisions outweigh the others, or nearly so, they count as 0.

    Args:
        rows: the rows.
        precision, shift: of their sites, shape (n,).
        prior: the precision of the prior, shape (d, d).
        pull: that times its mean, shape (d,).
    """
    for kept in (precision, np.maximum(precision, 0)):
        try:
            root = np.linalg.inv(np.linalg.cholesky((rows.T * kept) @ rows + prior))
        except np.linalg.LinAlgError:
            continue
        cov = root.T @ root
        if np.diag(cov).max() < WIDEST:
            break
    return cov, cov @ (rows.T @ shift + pull)
