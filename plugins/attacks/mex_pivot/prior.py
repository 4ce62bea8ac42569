"""The prior of the ratios.

A w* uniform on the sphere is a standard normal vector up to its length, which changes no sign. Given s = <w*, pivot> >
0 its ratios are independent N(0, 1/s^2), and s is the absolute value of a standard normal variable.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from mex.types import FloatArray

NODES = np.geomspace(1e-6, 6.0, 64)
"""The values of s on which its posterior is computed, equally spaced in log s."""

LOG_WEIGHT = np.log(NODES) - NODES**2 / 2
"""The log of their prior weights, up to a constant."""


def normalised(log_weight: FloatArray) -> FloatArray:
    """Weights that sum to 1 from their logarithms, shape (k,)."""
    weight = np.exp(log_weight - log_weight.max())
    return np.asarray(weight / weight.sum())


def upper_tail(x: FloatArray, s: FloatArray) -> FloatArray:
    """P(v > x | s) for x >= 0, shape (n, k)."""
    return np.asarray(ndtr(np.multiply.outer(-x, s)))


def cell_masses(edges: FloatArray) -> FloatArray:
    """P(v in cell | s) for the cells between ``edges``, at each of the ``NODES``, shape (n - 1, k).

    >>> cell_masses(np.array([-1e9, -1.0, 1.0, 1e9])).sum(axis=0).round(9).max()
    np.float64(1.0)
    """
    tail = upper_tail(np.abs(edges), NODES)
    # By the tail of the same sign, so that cells far out keep their digits.
    signed = np.where(edges[:, None] < 0, tail, -tail)
    crossing = (edges[:-1] < 0) & (edges[1:] >= 0)
    return np.asarray(np.maximum(np.diff(signed, axis=0) + crossing[:, None], 1e-300))
