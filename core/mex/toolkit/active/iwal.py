"""Importance-weighted active learning (IWAL): the probability with which an element of a stream is asked."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mex.errors import UsageError
from mex.types import FloatArray

EQUATIONS = ("corrected", "printed")
"""The equation of the probability: that of Beygelzimer et al. 2010, or as Chandrasekaran et al. 2020 print it."""


def query_probability(
    gap: npt.ArrayLike,
    n: npt.ArrayLike,
    *,
    c0: float = 8.0,
    c1: float = 1.0,
    c2: float = 1.0,
    equation: str = "corrected",
) -> FloatArray:
    """The probability p_n with which the n-th element of a stream is asked; its label then weighs 1 / p_n.

    With e = c0 log n / (n - 1), p_n is 1 if G_n <= sqrt(e) + e or n = 1. Otherwise it is the s in (0, 1) that solves
    (Chandrasekaran et al. 2020, Section 4.2, corrected after Beygelzimer, Hsu, Langford and Zhang 2010)

        G_n = (c1 / sqrt(s) - c1 + 1) sqrt(e) + (c2 / s - c2 + 1) e.

    The paper prints c1 / (sqrt(s) - c1 + 1) and c2 / (sqrt(s) - c2 + 1) instead. With ``equation="printed"``
    that is solved, and p_n is 1 where it has no solution below 1.

    Args:
        gap: G_n = err(h', S_{n-1}) - err(h, S_{n-1}), where h is the hypothesis with the least importance-weighted
            error on the stream before the element, and h' the best one that labels the element otherwise.
        n: the position of the element in the stream, from 1; of the shape of ``gap``, or one number.
        c0, c1, c2: the constants of the analysis; a smaller c0 asks less.
        equation: one of :data:`EQUATIONS`.

    Returns:
        The probabilities, of the shape of ``gap`` and ``n``.

    Raises:
        UsageError: if ``equation`` is none of :data:`EQUATIONS`.

    >>> query_probability([0.02, 0.027, 0.1, 0.5], 1000, c0=0.1).round(4)
    array([1.    , 0.9991, 0.0824, 0.0052])
    """
    if equation not in EQUATIONS:
        raise UsageError(f"equation must be one of {', '.join(EQUATIONS)}, not {equation!r}")
    G, n = np.asarray(gap, dtype=np.float64), np.maximum(np.asarray(n, dtype=np.float64), 1)
    e = c0 * np.log(n) / np.maximum(n - 1, 1)
    root = np.sqrt(e)
    certain = (root + e >= G) | (n == 1)
    G = np.where(certain, 1.0, G)  # any number above 0: not used
    # Both equations are quadratic in u = sqrt(s). The larger root counts: the other is negative, or below a pole.
    if equation == "corrected":
        square, linear, rest = G + (c1 - 1) * root + (c2 - 1) * e, -c1 * root, -c2 * e
    else:
        a, b = 1 - c1, 1 - c2
        square, linear, rest = G, G * (a + b) - c1 * root - c2 * e, G * a * b - c1 * root * b - c2 * e * a
    u = (-linear + np.sqrt(linear**2 - 4 * square * rest)) / (2 * square)
    return np.asarray(np.where(certain, 1.0, np.minimum(u**2, 1.0)))
