"""Random numbers for the rows that a defense is asked: fresh for each row asked, or the same whenever it is asked."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
from scipy.special import ndtri

from mex.domain import Domain
from mex.types import FloatArray

WORDS = 8
"""Numbers in one digest of 64 bytes."""


class Draws:
    """What a randomised defense draws for each row it is asked.

    Fresh numbers come from the generator, row by row, so that a batch is answered as its rows one by one; with
    ``refresh`` a draw serves so many rows before the next. Sticky numbers are a keyed hash of the row: the same row
    gets the same numbers in every process that has the key, and without the key they look random.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        *,
        sticky: bool = False,
        cell: float | None = None,
        domain: Domain | None = None,
        refresh: int = 1,
    ) -> None:
        """Take a generator, or a secret key from it.

        Args:
            rng: where fresh numbers, or the key, come from.
            sticky: hash rows instead of drawing.
            cell: if given, rows in the same cell of a grid share their numbers: the width of a cell, in the units
                in which the domain is [-1, 1]^d (an unbounded feature in its own). Implies ``sticky``.
            domain: the domain of the rows; needed with ``cell``.
            refresh: how many consecutive rows share their numbers, unless these are sticky.
        """
        self._rng = rng
        self._refresh = refresh
        self._asked = 0
        self._last_draw: FloatArray = np.empty((1, 0))
        self._key = rng.bytes(32) if sticky or cell is not None else None
        self._grid: tuple[FloatArray, FloatArray] | None = None
        if cell is not None:
            assert domain is not None
            width = cell * domain.half_width
            # The origin of the grid is secret, so that an attacker does not know where a cell ends.
            origin = domain.middle - width * rng.random(domain.n_features)
            self._grid = origin, width

    def uniform(self, X: FloatArray, k: int = 1) -> FloatArray:
        """Numbers in [0, 1), shape (n, k)."""
        if self._key is None:
            return self._shared(self._rng.random, len(X), k)
        if self._grid is not None:
            origin, width = self._grid
            X = np.floor((X - origin) / width)
        return keyed_uniform(X, self._key, k)

    def normal(self, X: FloatArray, k: int = 1) -> FloatArray:
        """Standard normal numbers, shape (n, k)."""
        if self._key is None:
            return self._shared(self._rng.standard_normal, len(X), k)
        return np.asarray(ndtri(self.uniform(X, k) + 2.0**-54), dtype=np.float64)  # + 2^-54: ndtri(0) is infinite

    def _shared(self, draw: Callable[[tuple[int, int]], FloatArray], n: int, k: int) -> FloatArray:
        """Draw for ``n`` rows, of which ``refresh`` consecutive ones share a draw, across batches."""
        if self._refresh == 1 or n == 0:
            return draw((n, k))
        new = (self._asked + np.arange(n)) % self._refresh == 0
        drawn = draw((int(new.sum()), k))
        before = drawn[:1] if new[0] else self._last_draw
        shared: FloatArray = np.concatenate([before, drawn])[np.cumsum(new)]
        self._asked += n
        self._last_draw = shared[-1:]
        return shared


def keyed_uniform(X: FloatArray, key: bytes, k: int = 1) -> FloatArray:
    """Numbers in [0, 1), shape (n, k), that depend on the row's values and the secret ``key`` alone.

    >>> X = np.array([[0.0, 1.0], [-0.0, 1.0], [2.0, 1.0]])
    >>> a, b, c = keyed_uniform(X, b"secret")[:, 0]
    >>> bool(a == b), bool(a == c)
    (True, False)
    """
    canonical = np.ascontiguousarray(X, dtype="<f8") + 0.0  # -0.0 and 0.0 are one value
    size = 8 * min(k, WORDS)
    blocks = [(i.to_bytes(8, "little")) for i in range(-(-k // WORDS))]
    digests = b"".join(
        hashlib.blake2b(row, key=key, digest_size=size, salt=block).digest()
        for row in (row.tobytes() for row in canonical)
        for block in blocks
    )
    words = np.frombuffer(digests, dtype="<u8").reshape(len(X), -1)[:, :k]
    return np.asarray((words >> 11) * 2.0**-53, dtype=np.float64)
