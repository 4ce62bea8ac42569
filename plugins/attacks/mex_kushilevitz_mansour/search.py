"""Finding the subsets with large Fourier coefficients by membership queries.

Each search yields rows of bits, shape (m, n), receives their signs (shape (m,), each wrong with the noise) and
returns subsets, shape (K, n). ``theta`` is the least coefficient *of the noisy signs* that is looked for.
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
    """The bits that the labels were seen to depend on, shape (n,); noise-free.

    Rows are compared with twins whose other bits are drawn anew. Where a twin's sign differs, a binary search
    between the two finds one bit more; it ends when ``pairs`` twins in a row are alike.
    """
    found = np.zeros(n, dtype=bool)
    while not found.all():
        rows, twins = rng.random((pairs, n)) < 0.5, rng.random((pairs, n)) < 0.5
        twins[:, found] = rows[:, found]
        signs = yield np.concatenate([rows, twins])
        differ = signs[:pairs] != signs[pairs:]
        if not differ.any():
            break
        # A handful at once: from afar most searches end at the same influential bits.
        at, end, sign = rows[differ][:8], twins[differ][:8], signs[:pairs][differ][:8]
        while ((apart := at != end).sum(axis=1) > 1).any():
            order = np.cumsum(apart, axis=1)
            middle = np.where(order <= order[:, -1:] // 2, end, at)
            same = (yield middle) == sign
            at, end = np.where(same[:, None], middle, at), np.where(same[:, None], end, middle)
        found |= (at != end).any(axis=0)
    return found


def cube(n: int) -> Search[tuple[BoolArray, FloatArray]]:
    """All coefficients exactly, by asking all 2^n rows: the subsets with one that is not zero, and the coefficients."""
    rows = (np.arange(2**n)[:, None] >> np.arange(n)) & 1 == 1
    spectrum = transform((yield rows))
    kept = np.abs(spectrum) > 2.0**-n
    return rows[kept], spectrum[kept]


def subspaces_bits(theta: float) -> int:
    """The dimension at which a coefficient of ``theta`` is four deviations of what else falls into its bucket."""
    return math.ceil(math.log2(16 / theta**2))


def by_subspaces(n: int, b: int, theta: float, rounds: int, rng: np.random.Generator) -> Search[BoolArray]:
    """Levin's search: transform the signs on a random affine subspace of 2^b rows and on its shifts by each bit.

    On it the coefficients fall into random buckets, mostly one large one each, and a shift by bit i changes
    the sign of a bucket's sum just if i is in its subset. Rounds go on until one finds nothing new. (Levin
    1993; Bshouty, Jackson and Tamon 2004.)
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
        # What two coefficients in one bucket, or the noise, made up does not hold over all rows of the round.
        subsets = subsets[np.abs(signs @ characters(rows, subsets)) >= theta / 2 * len(rows)]
        new = {subset.tobytes() for subset in subsets} - found
        found |= new
        if not new:
            break
    return _subsets(found, n)


def prefix_plan(n: int, theta: float, delta: float) -> tuple[int, int]:
    """Suffixes per level, and prefixes per suffix, so that each weight is right to theta^2 / 4 (Bernstein)."""
    prefixes = max(2, math.ceil(1 / theta))
    variance = theta**2 + 2 / prefixes**2
    buckets = 2 * n * 4 / theta**2
    suffixes = math.log(2 * buckets / delta) * (2 * variance / (theta**2 / 4) ** 2 + 2 / (3 * theta**2 / 4))
    return math.ceil(suffixes), prefixes


def by_prefixes(n: int, suffixes: int, prefixes: int, theta: float, rng: np.random.Generator) -> Search[BoolArray]:
    """The search of Kushilevitz and Mansour (1993): bucket the subsets by their first bits, keep the heavy buckets.

    The weight of the bucket of prefix a is the mean over suffixes x of (E_y f(yx) chi_a(y))^2, a bucket
    survives with half of theta^2 or more. The rows of one level serve all its buckets.
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
        most = math.ceil(4 / theta**2)  # more cannot be heavy (Parseval); too few samples would say otherwise
        kept = buckets[np.argsort(-weight, kind="stable")[:most]]
        kept = kept[np.sort(-weight)[:most] <= -(theta**2) / 2]
        if len(kept) == 0:
            return np.zeros((0, n), dtype=bool)
    return kept


def _subsets(found: set[bytes], n: int) -> BoolArray:
    return np.frombuffer(b"".join(sorted(found)), dtype=bool).reshape(-1, n)
