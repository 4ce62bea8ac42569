"""With what probability a row of the stream is asked."""

from __future__ import annotations

import numpy as np

from mex.types import Array, FloatArray


def query_probability(
    G: FloatArray, n: Array, *, c0: float = 8.0, c1: float = 1.0, c2: float = 1.0, printed: bool = False
) -> FloatArray:
    """p_n of IWAL-CAL, for the n-th rows of the stream whose labels would cost err(h'_n) - err(h_n) = G to change.

    With eps = c0 log n / (n - 1), p_n = 1 while G <= sqrt(eps) + eps, and else the root s of
    G = (c1 / sqrt(s) - c1 + 1) sqrt(eps) + (c2 / s - c2 + 1) eps (Beygelzimer et al. 2010, Algorithm 1).
    Chandrasekaran et al. 2020 print G = c1 / (sqrt(s) - c1 + 1) sqrt(eps) + c2 / (sqrt(s) - c2 + 1) eps, which
    is what ``printed`` takes. Both are quadratic in sqrt(s). ``G`` and ``n`` have shape (k,), n is above 1.

    >>> query_probability(np.array([0.1, 0.5, 1.0]), np.array([1000, 1000, 1000])).round(3)
    array([1.   , 0.413, 0.145])
    """
    eps = c0 * np.log(n) / (n - 1)
    root = np.sqrt(eps)
    sure = root + eps >= G
    G = np.where(sure, 1.0, G)  # any number above 0: not used
    if printed:
        a = G
        b = -(G * (c1 + c2 - 2) + c1 * root + c2 * eps)
        c = G * (c1 - 1) * (c2 - 1) + c1 * root * (c2 - 1) + c2 * eps * (c1 - 1)
    else:
        a, b, c = G + (c1 - 1) * root + (c2 - 1) * eps, -c1 * root, -c2 * eps
    u = (-b + np.sqrt(b**2 - 4 * a * c)) / (2 * a)
    return np.where(sure, 1.0, np.minimum(u**2, 1.0))
