"""The rows of a domain as points of the unit box, and along which coordinates lines can be searched."""

from __future__ import annotations

import numpy as np

from mex.domain import Domain
from mex.types import Array, FloatArray

FINEST = 2000
"""From how many whole numbers on a column is searched like a real one, if there is no real one."""
PLACED, BITS = 1e-12, 12
"""From which distance of neighbouring floats on, as a share of a range, only points between which lines are exact are
asked; of such a line both ends are exact to so many bits of the range at least, the other bits are for places on it."""
INSIDE = 0.995
"""How much of the box random points are drawn from, so that steps around them stay in it."""


class Chart:
    """Coordinates between 0 and 1: first the real ones, then whole numbers and all but the first level of each group.

    Columns of a single value have none. Without a real column the whole numbers of the widest range take its place.

    Attributes:
        n_real: how many coordinates are moved by small steps: the real ones, or the one of the widest range.
        grid: the smallest of these steps, 0 where all coordinates that are moved are real.
        columns, low, span: of each coordinate the column, its least value, and its range.
        resolution: how far neighbouring floats are apart in a real coordinate at most, as a share of its range.
        places: of how many equal parts a line has exact ends, where few floats are in the range of a real coordinate,
            as columns that vary little beside their offset have them; 0 elsewhere.
        steps: of each other coordinate, the smallest move: from a whole number to the next, or from level to level.
        groups: the coordinates of each group.

    >>> chart = Chart(Domain([0, 0, 0, 5], [9, 1, 1, 5], integer=[True, False, False, False], groups=[(1, 2)]))
    >>> chart.n_real, chart.encode(np.array([[3.0, 0, 1, 5]]))
    (0, array([[0.33333333, 1.        ]]))
    >>> chart.decode(np.array([[1 / 3, 1.0]]))
    array([[3., 0., 1., 5.]])
    """

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        self.single = False  # whether rows are float32 numbers, as the target casts them
        grouped = {i for group in domain.groups for i in group}
        moving = [i for i in range(domain.n_features) if i not in grouped and domain.lower[i] < domain.upper[i]]
        real = [i for i in moving if not domain.integer[i]]
        whole = [i for i in moving if domain.integer[i]]
        levels = [i for group in domain.groups for i in group[1:]]
        self.grid = 0.0
        widest = max(whole, key=lambda i: domain.upper[i] - domain.lower[i], default=None)
        if not real and widest is not None and domain.upper[widest] - domain.lower[widest] >= FINEST:
            real = [widest]
            whole.remove(widest)
            self.grid = 1 / float(domain.upper[widest] - domain.lower[widest])
        self.n_real = len(real)
        self.columns = [*real, *whole, *levels]
        self._whole = slice(0 if self.grid else len(real), len(real) + len(whole))
        self.low = domain.lower[self.columns].copy()
        self.span = np.where(np.isin(self.columns, levels), 1.0, domain.upper[self.columns] - self.low)
        self.low[len(real) + len(whole) :] = 0.0
        self.steps = 1 / self.span[len(real) :]
        self._fine = np.spacing(np.maximum(np.abs(self.low), np.abs(self.low + self.span)))[: len(real)]
        self.resolution = float((self._fine / self.span[: len(real)]).max(initial=0.0))
        self.places = 0
        if self.resolution > PLACED and not self.mixed:
            self.places = int(2 ** max(np.floor(-np.log2(self.resolution)) - BITS, BITS))
        self.groups: list[list[int]] = []
        for group in domain.groups:
            at = len(real) + len(whole) + sum(map(len, self.groups))
            self.groups.append(list(range(at, at + len(group) - 1)))

    @property
    def grouped(self) -> set[int]:
        """The coordinates of levels."""
        return {i for group in self.groups for i in group}

    @property
    def mixed(self) -> bool:
        """Whether there are coordinates that are not real."""
        return self.n_real < len(self) or self.grid > 0

    def snapped(self, U: FloatArray) -> FloatArray:
        """The points of the rows that points are asked as."""
        return self.encode(self.decode(U)) if self.mixed or self.places else U

    def parted(self, way: FloatArray, parts: int) -> FloatArray:
        """The way next to one so many equal parts of which lead from points that can be asked to such points."""
        if not self.places:
            return way
        unit = self._fine * parts / self.span
        return np.asarray(np.round(way / unit) * unit)

    def __len__(self) -> int:
        return len(self.columns)

    def name(self, i: int) -> str:
        """What to call the feature of a coordinate."""
        return self.domain.name(self.columns[i])

    def encode(self, X: FloatArray) -> FloatArray:
        """The points of rows."""
        return np.asarray((X[:, self.columns] - self.low) / self.span)

    def decode(self, U: FloatArray) -> FloatArray:
        """Rows of points."""
        X = np.tile(self.domain.lower, (len(U), 1))
        X[:, self.columns] = np.clip(
            self.low + U * self.span, self.domain.lower[self.columns], self.domain.upper[self.columns]
        )
        if self.places:
            X[:, self.columns] = np.round(X[:, self.columns] / self._fine) * self._fine
        whole = self.columns[self._whole]
        X[:, whole] = np.round(X[:, whole])
        for group in self.domain.groups:
            X[:, group[0]] = 1 - X[:, group[1:]].sum(axis=1)
        if self.single:
            real = self.columns[: self.n_real]
            near = X[:, real].astype(np.float32).astype(np.float64)
            inside = (near >= self.domain.lower[real]) & (near <= self.domain.upper[real])
            X[:, real] = np.where(inside, near, X[:, real])
        return X

    def apart(self, X: FloatArray, least: float) -> Array:
        """Indices of rows each of which is away from all before it, by ``least`` in some coordinate."""
        U, kept = self.encode(X), list[int]()
        for i in range(len(U)):
            if not kept or (np.abs(U[kept] - U[i]).max(axis=1, initial=0.0) > least).all():
                kept.append(i)
        return np.array(kept)

    def inside(self, U: FloatArray) -> FloatArray:
        """Points with their real coordinates a little farther from the sides of the box."""
        U = U.copy()
        U[:, : self.n_real] = 0.5 + INSIDE * (U[:, : self.n_real] - 0.5)
        return self.snapped(U)
