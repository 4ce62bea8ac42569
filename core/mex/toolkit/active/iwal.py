"""Importance-weighted active learning: with which probability an element of the stream is asked."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mex.errors import UsageError
from mex.types import FloatArray

EQUATIONS = ("corrected", "printed")
"""The equation of s(n): that of Beygelzimer et al. 2010, or the one with the paper's misprint."""


def query_probability(
    gap: npt.ArrayLike,
    n: npt.ArrayLike,
    *,
    c0: float = 8.0,
    c1: float = 1.0,
    c2: float = 1.0,
    equation: str = "corrected",
) -> FloatArray:
    """The probability p_n with which the n-th element of the stream is asked; a label so bought weighs 1 / p_n.

    ``gap`` is G_n = err(h', S_{n-1}) - err(h, S_{n-1}): what the best hypothesis with another label at
    the element errs more often, importance-weighted, than the best of all. With e = c0 log n / (n - 1), p_n
    is 1 as long as G_n <= sqrt(e) + e. Beyond, it is the s in (0, 1) that solves (Chandrasekaran et al. 2020,
    Section 4.2, corrected after Beygelzimer, Hsu, Langford and Zhang 2010)

        G_n = (c1 / sqrt(s) - c1 + 1) sqrt(e) + (c2 / s - c2 + 1) e.

    The paper prints c1 / (sqrt(s) - c1 + 1) and c2 / (sqrt(s) - c2 + 1) instead; ``equation="printed"``
    takes it at its word, and asks surely where that leaves no s below 1. The first element is asked always:
    there is nothing to divide by. ``gap`` and ``n`` are numbers or of one shape, as is the result.

    Raises:
        UsageError: if there is no such equation.

    >>> query_probability([0.02, 0.027, 0.1, 0.5], 1000, c0=0.1).round(4)
    array([1.    , 0.9991, 0.0824, 0.0052])
    """
    if equation not in EQUATIONS:
        raise UsageError(f"equation must be one of {', '.join(EQUATIONS)}, not {equation!r}")
    G, n = np.asarray(gap, dtype=np.float64), np.maximum(np.asarray(n, dtype=np.float64), 1)
    e = c0 * np.log(n) / np.maximum(n - 1, 1)
    root = np.sqrt(e)
    sure = (root + e >= G) | (n == 1)
    G = np.where(sure, 1.0, G)  # any number above 0: not used
    # Either way a quadratic in u = sqrt(s), and its larger root: the other one is negative, or below a pole.
    if equation == "corrected":
        square, linear, rest = G + (c1 - 1) * root + (c2 - 1) * e, -c1 * root, -c2 * e
    else:
        a, b = 1 - c1, 1 - c2
        square, linear, rest = G, G * (a + b) - c1 * root - c2 * e, G * a * b - c1 * root * b - c2 * e * a
    u = (-linear + np.sqrt(linear**2 - 4 * square * rest)) / (2 * square)
    return np.asarray(np.where(sure, 1.0, np.minimum(u**2, 1.0)))
