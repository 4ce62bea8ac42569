"""The coefficients of the terms of a sum, by least squares on all answers."""

from __future__ import annotations

import numpy as np

from mex.types import FloatArray

STEPS = 3
"""Of iterative refinement: the normal equations alone would lose half of the digits."""


def coefficients(members: FloatArray, outputs: FloatArray, weights: FloatArray) -> FloatArray:
    """The least-squares coefficients of terms for each output, shape (terms, k).

    Args:
        members: which terms each row is in, 0 or 1, shape (n, terms).
        outputs: what each row is answered, shape (n, k).
        weights: of each row, shape (n,).
    """
    A = members * weights[:, None]
    target = outputs * weights[:, None]
    inverse = np.linalg.pinv(A.T @ A, rcond=1e-13, hermitian=True)
    found: FloatArray = np.zeros((members.shape[1], outputs.shape[1]))
    for _ in range(STEPS):
        found += inverse @ (A.T @ (target - A @ found))
    return found
