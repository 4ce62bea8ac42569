"""Sites of several rows, one after the other, by the moments of the scores of these rows alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mex.types import FloatArray

if TYPE_CHECKING:
    from mex.toolkit.bayes_point.posterior import SignModel

TINY = 1e-300
FAR = 8.0
"""A row whose sign is so many standard deviations from being another tells nothing."""


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
