"""The coefficients of the terms of a sum, by least squares on all answers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mex.types import Array, FloatArray

STEPS = 3
"""Of iterative refinement: the normal equations alone would lose half of the digits."""
CHUNK = 4096
"""Rows that are multiplied at once."""


def least_squares(members: Array, outputs: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The coefficients of terms for each output, shape (terms, k), and their variances, shape (terms,).

    Args:
        members: which terms each row is in, 0 or 1, shape (n, terms).
        outputs: what each row is answered, shape (n, k).
        weights: of each row, the inverse of its standard deviation, shape (n,).
    """
    normal = sum(A.T @ A for A, _ in _chunks(members, outputs, weights))
    inverse = np.linalg.pinv(normal, rcond=1e-13, hermitian=True)
    found: FloatArray = np.zeros((members.shape[1], outputs.shape[1]))
    for _ in range(STEPS):
        found = found + inverse @ sum(A.T @ (b - A @ found) for A, b in _chunks(members, outputs, weights))
    return found, np.maximum(np.diag(inverse), 0.0)


def _chunks(members: Array, outputs: FloatArray, weights: FloatArray) -> Iterator[tuple[FloatArray, FloatArray]]:
    for start in range(0, len(members), CHUNK):
        rows = slice(start, start + CHUNK)
        yield members[rows] * weights[rows, None], outputs[rows] * weights[rows, None]
