"""Importance-weighted active learning: with which probability an element of the stream is asked."""

from __future__ import annotations

import math

from mex.errors import UsageError

EQUATIONS = ("corrected", "printed")
"""The equation of s(n): that of Beygelzimer et al. 2010, or the one with the paper's misprint."""


def query_probability(
    gap: float, n: int, *, c0: float = 8.0, c1: float = 1.0, c2: float = 1.0, equation: str = "corrected"
) -> float:
    """The probability p_n with which the n-th element of the stream is asked; a label so bought weighs 1 / p_n.

    ``gap`` is G_n = err(h', S_{n-1}) - err(h, S_{n-1}): what the best hypothesis with another label at
    the element errs more often, importance-weighted, than the best of all. With e = c0 log n / (n - 1), p_n
    is 1 as long as G_n <= sqrt(e) + e. Beyond, it is the s in (0, 1) that solves (Chandrasekaran et al. 2020,
    Section 4.2, corrected after Beygelzimer, Hsu, Langford and Zhang 2010)

        G_n = (c1 / sqrt(s) - c1 + 1) sqrt(e) + (c2 / s - c2 + 1) e.

    The paper prints c1 / (sqrt(s) - c1 + 1) and c2 / (sqrt(s) - c2 + 1) instead; ``equation="printed"``
    takes it at its word, and asks surely where that leaves no s below 1. The first element is asked always:
    there is nothing to divide by.

    Raises:
        UsageError: if there is no such equation.

    >>> [round(query_probability(gap, 1000, c0=0.1), 4) for gap in (0.02, 0.027, 0.1, 0.5)]
    [1.0, 0.9991, 0.0824, 0.0052]
    """
    if equation not in EQUATIONS:
        raise UsageError(f"equation must be one of {', '.join(EQUATIONS)}, not {equation!r}")
    if n <= 1:
        return 1.0
    e = c0 * math.log(n) / (n - 1)
    if gap <= math.sqrt(e) + e:
        return 1.0
    first, second = c1 * math.sqrt(e), c2 * e
    # Either way a quadratic in u = sqrt(s), and its larger root: the other one is negative, or below a pole.
    if equation == "corrected":
        square, linear, rest = gap + first - math.sqrt(e) + second - e, -first, -second
    else:
        a, b = 1 - c1, 1 - c2
        square, linear, rest = gap, gap * (a + b) - first - second, gap * a * b - first * b - second * a
    u = (-linear + math.sqrt(linear * linear - 4 * square * rest)) / (2 * square)
    return min(1.0, u * u)
