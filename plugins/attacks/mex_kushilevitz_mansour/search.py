"""Searches for the subsets of bits with large Fourier coefficients.

Each search yields rows of bits, shape (m, n), receives their signs, shape (m,), and returns subsets, shape (K, n).
``theta`` is the least absolute coefficient to be found, of the *noisy* signs.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import TypeAlias, TypeVar

import numpy as np

from mex.types import BoolArray, FloatArray
from mex_kushilevitz_mansour.fourier import characters, transform

T = TypeVar("T")
Search: TypeAlias = Generator[BoolArray, FloatArray, T]


def relevant(n: int, pairs: int, rng: np.random.Generator) -> Search[BoolArray]:
    """The bits that the labels are found to depend on, shape (n,); without noise.

    Pairs of rows are alike in the bits found. If their signs differ, a binary search between the two finds one bit
    more. The search ends when none of ``pairs`` pairs differ.
    """
    found = np.zeros(n, dtype=bool)
    while not found.all():
        rows, others = rng.random((pairs, n)) < 0.5, rng.random((pairs, n)) < 0.5
        others[:, found] = rows[:, found]
        signs = yield np.concatenate([rows, others])
        differ = signs[:pairs] != signs[pairs:]
        if not differ.any():
            break
        # Only a few at once, since most searches end at the same influential bits.
        at, end, sign = rows[differ][:8], others[differ][:8], signs[:pairs][differ][:8]
        while ((apart := at != end).sum(axis=1) > 1).any():
            order = np.cumsum(apart, axis=1)
            middle = np.where(order <= order[:, -1:] // 2, end, at)
            same = (yield middle) == sign
            at, end = np.where(same[:, None], middle, at), np.where(same[:, None], end, middle)
        found |= (at != end).any(axis=0)
    return found


def cube(n: int) -> Search[tuple[BoolArray, FloatArray]]:
    """The subsets with a coefficient that is not 0, and these coefficients, by asking all 2^n rows."""
    rows = (np.arange(2**n)[:, None] >> np.arange(n)) & 1 == 1
    spectrum = transform((yield rows))
    kept = np.abs(spectrum) > 2.0**-n
    return rows[kept], spectrum[kept]


def subspace_dimension(theta: float) -> int:
    """The dimension at which ``theta`` is four standard deviations of the sum of the other coefficients in a bucket."""
    return math.ceil(math.log2(16 / theta**2))


def by_subspaces(n: int, b: int, theta: float, rounds: int, rng: np.random.Generator) -> Search[BoolArray]:
    """Levin's search: transform the signs on a random affine subspace of 2^b rows, and on its shifts by each bit.

    The transform adds up the coefficients in random buckets, of which most have one large coefficient at most. The
    shift by bit i changes the sign of a bucket if i is in the subset of its coefficient. Rounds are repeated until one
    finds nothing new, at most ``rounds`` times. (Levin 1993; Bshouty, Jackson and Tamon 2004.)
    """
    shifts = np.concatenate([np.zeros((1, n), dtype=bool), np.eye(n, dtype=bool)])
    u = ((np.arange(2**b)[:, None] >> np.arange(b)) & 1).astype(np.float32)
    found: set[bytes] = set()
    for _ in range(rounds):
        basis = (rng.random((b, n)) < 0.5).astype(np.float32)
        points = ((u @ basis) % 2 == 1) ^ (rng.random(n) < 0.5)
        rows = (points[None] ^ shifts[:, None]).reshape(-1, n)
        signs = yield rows
        sums = transform(signs.reshape(n + 1, 2**b))
        large = np.abs(sums[0]) >= theta / 2
        subsets = (sums[1:, large] * sums[0, large] < 0).T
        # Subsets that are due to noise, or to two coefficients in one bucket, have none over all rows of the round.
        subsets = subsets[np.abs(signs @ characters(rows, subsets)) >= theta / 2 * len(rows)]
        new = {subset.tobytes() for subset in subsets} - found
        found |= new
        if not new:
            break
    return _subsets(found, n)


def prefix_plan(n: int, theta: float, delta: float) -> tuple[int, int]:
    """Suffixes per level, and prefixes per suffix, with which all weights are within theta^2 / 4 (Bernstein)."""
    prefixes = max(2, math.ceil(1 / theta))
    variance = theta**2 + 2 / prefixes**2
    buckets = 2 * n * 4 / theta**2
    suffixes = math.log(2 * buckets / delta) * (2 * variance / (theta**2 / 4) ** 2 + 2 / (3 * theta**2 / 4))
    return math.ceil(suffixes), prefixes


def by_prefixes(n: int, suffixes: int, prefixes: int, theta: float, rng: np.random.Generator) -> Search[BoolArray]:
    """The search of Kushilevitz and Mansour (1993): divide the subsets by their first bits, keep the heavy buckets.

    The weight of the bucket of prefix a is the mean over suffixes x of (E_y f(yx) chi_a(y))^2; buckets of at least half
    of theta^2 are kept. The rows of a level are used for all its buckets.
    """
    kept = np.zeros((1, 0), dtype=bool)
    for k in range(1, n + 1):
        longer = [np.hstack([kept, np.full((len(kept), 1), bit)]) for bit in (False, True)]
        buckets = np.concatenate(longer)
        rows = np.repeat(rng.random((suffixes, n)) < 0.5, prefixes, axis=0)
        rows[:, :k] = rng.random((len(rows), k)) < 0.5
        signs = yield rows
        sums = (signs[:, None] * characters(rows[:, :k], buckets)).reshape(suffixes, prefixes, -1).sum(axis=1)
        weight = (sums**2 - prefixes).mean(axis=0) / (prefixes * (prefixes - 1))
        most = math.ceil(4 / theta**2)  # no more are heavy (Parseval), whatever the estimates
        kept = buckets[np.argsort(-weight, kind="stable")[:most]]
        kept = kept[np.sort(-weight)[:most] <= -(theta**2) / 2]
        if len(kept) == 0:
            return np.zeros((0, n), dtype=bool)
    return kept


def _subsets(found: set[bytes], n: int) -> BoolArray:
    return np.frombuffer(b"".join(sorted(found)), dtype=bool).reshape(-1, n)
