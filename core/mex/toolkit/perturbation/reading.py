"""What answers tell of how they were computed: rounded, in float32 or float64, clipped."""

from __future__ import annotations

import numpy as np

from mex.toolkit.perturbation.inversion import Bounds, apportionment_bounds
from mex.types import BoolArray, FloatArray

FLOAT, SINGLE = 2.0**-53, 2.0**-24
"""The spacing of float64 and of float32 numbers just below 1, to which 1 - p is rounded."""
FAINT = {FLOAT: 1e-6, SINGLE: 1e-2}
"""A probability below this that was computed as 1 - p has lost too many digits for an equation."""
SOME_UNITS = 8
"""Into how many parts of the spacing a float may be rounded by what computes it, such as (1 + tanh) / 2."""
FEW = 5
"""With fewer different numbers nothing is said of the floats in which they were printed."""
SOME, COARSE = 64, 1024
"""On how many numbers that is found out, none of them a multiple of 1 / COARSE."""
DECIMALS = 9
"""With so many decimals float32 numbers below 1 are printed, unless they are with as many significant digits."""
CLOSE = {FLOAT: 1e-12, SINGLE: 2e-7}
"""What the floats make of a number with few decimals, as a share of the largest."""


def resolution(answers: FloatArray) -> float:
    """The difference between neighbouring values of answers: 10^-k if they have k <= 6 decimals, else :data:`FLOAT`.

    Probabilities, shape (n, k), may also have been divided by their sum after rounding.

    >>> resolution(np.array([[0.33, 0.33, 0.33], [0.5, 0.25, 0.25]]) / [[0.99], [1.0]])
    0.01
    >>> resolution(np.array([[0.123456789, 0.876543211], [0.5, 0.5]])) == FLOAT
    True
    """
    table = answers[:, None] if answers.ndim == 1 else answers[(answers < 1 - 1e-9).all(axis=1)]
    if len(table) == 0 or not np.ptp(table, axis=0).any():
        return FLOAT  # one value does not tell how it was rounded
    spacing = precision(table)
    for decimals in range(answers.ndim - 1, 7 if spacing == FLOAT else 6):
        step = 10.0**-decimals
        unnormalised = table * _sums(table, step)[:, None, None] if answers.ndim == 2 else table[None]
        off = np.abs(unnormalised - np.round(unnormalised, decimals)) / np.abs(table).max(initial=1)
        if (off <= CLOSE[spacing]).all(axis=2).any(axis=0).all():
            return step
    return FLOAT


def precision(answers: FloatArray) -> float:
    """The spacing just below 1 of the floats that answers were computed in: :data:`SINGLE`, or else :data:`FLOAT`.

    All that are float32 numbers, or that have as few digits as one is printed with, were computed in float32.

    >>> p = np.random.default_rng(0).random(10)
    >>> precision(p) == FLOAT, precision(p.astype(np.float32)) == precision(p.round(8)) == SINGLE
    (True, True)
    """
    some = np.unique(answers)
    some = some[some * COARSE != np.round(some * COARSE)][:SOME]  # 0, 1 and 1/2 are both
    if len(some) and _single(some).all():
        return SINGLE
    printed = len(some) >= FEW and (np.char.mod("%.9g", some).astype(np.float64) == some).all()
    return SINGLE if printed else FLOAT


def _single(answers: FloatArray) -> BoolArray:
    """Which answers are float32 numbers."""
    with np.errstate(over="ignore"):
        return np.asarray(answers.astype(np.float32) == answers)


def accurate(answers: FloatArray, step: float) -> BoolArray:
    """Which answers, of resolution ``step``, determine their score to nearly all digits, shape (n,); values always do.

    Probabilities do not if one of them is near 0 and was rounded, or computed as 1 - p.
    """
    if answers.ndim == 1:
        return np.ones(len(answers), dtype=bool)
    spacing = precision(answers)
    faint = answers < max(FAINT[spacing], 5 * step)
    if (
        step == FLOAT
    ):  # a float that is no multiple of the spacing or an eighth, nor has few decimals, has all its digits
        unit = spacing / SOME_UNITS
        faint &= (np.round(answers / unit) * unit == answers) | (np.round(answers, DECIMALS) == answers)
    return np.asarray(~faint.any(axis=1))


def rounded_from(answers: FloatArray, step: float) -> Bounds:
    """Between what is behind answers that were rounded to multiples of ``step``, of the shape of the answers."""
    if answers.ndim == 1:
        return answers - step / 2, answers + step / 2
    shares = _sums(answers, step)[:, None, None] * answers
    off = np.abs(shares / step - np.round(shares / step)).max(axis=2)
    parts = shares[off.argmin(axis=0), np.arange(len(answers))]
    if np.allclose(parts.sum(axis=1), 1, rtol=0, atol=step / 4):
        return apportionment_bounds(parts, step, label_kept=False)
    return np.clip(parts - step / 2, 0, 1), np.clip(parts + step / 2, 0, 1)


def _sums(table: FloatArray, step: float) -> FloatArray:
    """What rounded probabilities may sum to, 1 first: by so many units of the last decimal it can differ from 1."""
    off = np.arange(1, table.shape[1] // 2 + 1)
    sums = 1 + step * np.concatenate([[0], -off, off])
    return np.asarray(sums[sums > 0.5])


def extremes(answers: FloatArray, shared: int = 2) -> BoolArray:
    """Which answers may be clipped, shape (n,): the largest or smallest of all, shared by at least ``shared`` rows.

    Probabilities of 0 or 1 to nine digits do not count, since they are saturated.
    """
    value = answers if answers.ndim == 1 else answers.max(axis=1) if answers.shape[1] > 2 else answers[:, 1]
    found = np.zeros(len(value), dtype=bool)
    for extreme in (value.max(initial=-np.inf), value.min(initial=np.inf)):
        same = value == extreme
        clipped = answers.ndim == 1 or 1e-9 < extreme < 1 - 1e-9
        found |= same & (same.sum() >= shared) & clipped
    return found
