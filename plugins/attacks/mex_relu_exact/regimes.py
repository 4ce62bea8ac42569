"""The affine function that most of some rows agree on, where others are off by anything."""

from __future__ import annotations

import numpy as np

from mex.types import BoolArray, FloatArray
from mex_relu_exact.gradients import Affine

ITERATIONS, REFITS = 40, 3
SPARE = 5, 1.1
"""How many rows more than unknowns are to agree, and how many times as many."""


def agreed(U: FloatArray, Y: FloatArray, exact: float) -> tuple[Affine, BoolArray] | None:
    """An affine function that more rows satisfy than it has unknowns, and which rows; None if none is found.

    The sum of absolute errors is made least by weighted least squares; then those rows are fitted that are explained.

    Args:
        U, Y: points, shape (n, d), and values, shape (n, m).
        exact: up to which error a row is explained.
    """
    ones = np.column_stack([U, np.ones(len(U))])
    if len(U) < ones.shape[1] + SPARE[0]:
        return None
    weight = np.ones(len(U))
    floor = exact / 100
    for _ in range(ITERATIONS):
        x = _solved(ones, Y, weight)
        weight = 1 / np.sqrt(np.maximum(np.abs(Y - ones @ x).max(axis=1), floor))
        weight /= weight.max()
    for _ in range(REFITS):
        rows = np.abs(Y - ones @ x).max(axis=1) <= exact
        if not rows.any():
            return None
        x = _solved(ones, Y, rows.astype(np.float64))
    rows = np.abs(Y - ones @ x).max(axis=1) <= exact
    rank = int(np.linalg.matrix_rank(ones[rows], tol=1e-6)) if rows.any() else 0
    if rows.sum() < max(rank + SPARE[0], SPARE[1] * rank):
        return None
    return Affine(x[:-1].T.copy(), x[-1].copy()), rows


def _solved(ones: FloatArray, Y: FloatArray, weight: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.lstsq(ones * weight[:, None], Y * weight[:, None], rcond=1e-12)[0])
