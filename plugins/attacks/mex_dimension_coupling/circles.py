"""Noisy bisection of circles, many at a time."""

from __future__ import annotations

import numpy as np

from mex.types import BoolArray, FloatArray

HALF_TURN, FULL_TURN = np.pi, 2 * np.pi

SECTORS = 1024
"""The most pairs of opposite sectors of a circle, beyond which light ones are merged."""


class Circles:
    """The posteriors of k angles, each of a unit vector c in its own plane: DC2 of the paper, for k planes at once.

    The answer to a query in the plane is the side of a diameter that c is on, wrong with probability ``rho``. So the
    density is constant between the diameters asked, and asking the diameter that halves the mass gains 1 - H(rho)
    bits whatever the answer. A diameter cuts two opposite sectors, so the edges in [0, pi] are those of both halves.

    Args:
        first, second: the prior probability that each coordinate of c is positive, shape (k,); the prior is uniform
            inside a quadrant.
        rho: the probability of a wrong answer.

    >>> circles, c = Circles(np.full(1, 0.5), np.full(1, 0.5), 0.0), np.array([-0.6, 0.8])
    >>> for _ in range(22):
    ...     circles.tell(circles.queries() @ c >= 0)
    >>> float(np.cos(circles.estimates)[0].round(5)), float(circles.within(1e-6)[0])
    (-0.6, 1.0)
    """

    def __init__(self, first: FloatArray, second: FloatArray, rho: float) -> None:
        quadrants = [[first * second, (1 - first) * second], [(1 - first) * (1 - second), first * (1 - second)]]
        self._mass = np.moveaxis(np.array(quadrants), 2, 0)  # plane, half circle, sector
        self._edges = np.tile([0.0, HALF_TURN / 2, HALF_TURN], (len(first), 1))
        self._rho = rho
        self._find_diameters()

    @property
    def estimates(self) -> FloatArray:
        """The middle of the sector with the most mass, as an angle in [0, 2 pi), shape (k,)."""
        k, _, m = self._mass.shape
        half, sector = np.divmod(self._mass.reshape(k, -1).argmax(axis=1), m)
        rows = np.arange(k)
        return np.asarray((self._edges[rows, sector] + self._edges[rows, sector + 1]) / 2 + HALF_TURN * half)

    def within(self, tolerance: float) -> FloatArray:
        """The probability that the angle is within ``tolerance`` of the estimate, shape (k,)."""
        if tolerance >= HALF_TURN:
            return np.ones(len(self._edges))
        ends = np.mod(self.estimates[:, None] + [-tolerance, tolerance], FULL_TURN)
        low, high = self._mass_below(ends).T
        return np.asarray(high - low + (ends[:, 0] > ends[:, 1]))

    def queries(self) -> FloatArray:
        """The unit vectors to ask, orthogonal to the diameters that halve the mass, shape (k, 2)."""
        return np.column_stack([-np.sin(self._diameter), np.cos(self._diameter)])

    def tell(self, positive: BoolArray) -> None:
        """Take the answers to :meth:`queries`, whether <c, query> is positive, shape (k,)."""
        k, _, m = self._mass.shape
        rows, columns = np.arange(k), np.arange(m + 2)
        ahead = columns > self._sector[:, None]
        source = columns - ahead
        self._edges = self._edges[rows[:, None], source]
        self._edges[rows, self._sector + 1] = self._diameter
        mass = self._mass[rows[:, None, None], [[0], [1]], source[:, None, :-1]]
        mass[rows, :, self._sector] *= self._share[:, None]
        mass[rows, :, self._sector + 1] *= 1 - self._share[:, None]
        agrees = ahead[:, None, :-1] == [[True], [False]]
        mass *= np.where(agrees == positive[:, None, None], 1 - self._rho, self._rho)
        self._mass = mass / mass.sum(axis=(1, 2), keepdims=True)
        if m >= SECTORS:
            self._merge()
        self._find_diameters()

    def keep(self, planes: BoolArray) -> None:
        """Drop the other planes."""
        self._edges = self._edges[planes]
        self._mass = self._mass[planes]
        self._find_diameters()

    def _find_diameters(self) -> None:
        """Find the first diameter of each plane, with an angle in [0, pi), that has half the mass on either side."""
        self._below = _cumulated(self._mass)
        ahead, behind = self._below[:, 0], self._below[:, 1]
        # The mass of the half circle from each edge on, less 1/2: linear between edges, and opposite at the two ends.
        excess = ahead[:, -1:] - 0.5 - ahead + behind
        excess[:, -1] = -excess[:, 0]
        crossed = np.where(excess[:, :1] < 0, -excess, excess)[:, 1:] <= 0
        rows, self._sector = np.arange(len(excess)), crossed.argmax(axis=1)
        before, after = excess[rows, self._sector], excess[rows, self._sector + 1]
        self._share = np.divide(before, before - after, out=np.full(len(rows), 0.5), where=before != after)
        low, high = self._edges[rows, self._sector], self._edges[rows, self._sector + 1]
        self._diameter = low + self._share * (high - low)

    def _mass_below(self, angles: FloatArray) -> FloatArray:
        """The mass from 0 to each of ``angles`` in [0, 2 pi), shape (k, n) -> (k, n)."""
        half = (angles >= HALF_TURN).astype(np.int64)
        angles = angles - HALF_TURN * half
        rows = np.arange(len(angles))[:, None]
        sector = np.sum(self._edges[:, None, 1:-1] <= angles[:, :, None], axis=2)
        low, high = self._edges[rows, sector], self._edges[rows, sector + 1]
        share = np.divide(angles - low, high - low, out=np.ones_like(angles), where=high > low)
        below = self._below[rows, half, sector] + share * self._mass[rows, half, sector]
        return np.asarray(below + half * self._below[:, :1, -1])

    def _merge(self) -> None:
        """Merge light sectors: keep the edges of heavy ones and those at quantiles of the mass."""
        below = _cumulated(self._mass)
        quantile = np.floor(below.sum(axis=1) * (SECTORS / 4))
        heavy = np.diff(quantile) > 0
        last = heavy.shape[1]
        kept = np.pad(heavy, ((0, 0), (1, 0)), constant_values=True) | np.pad(heavy, ((0, 0), (0, 1)))
        # Planes that keep fewer edges than others repeat their last one, with sectors of no width and mass.
        index = np.sort(np.where(kept, np.arange(last + 1), last), axis=1)[:, : int(kept.sum(axis=1).max()) + 1]
        self._edges = np.take_along_axis(self._edges, index, axis=1)
        self._mass = np.diff(np.take_along_axis(below, index[:, None], axis=2), axis=2)


def _cumulated(mass: FloatArray) -> FloatArray:
    """The mass before each edge of a half circle, shape (k, 2, m) -> (k, 2, m + 1)."""
    below = np.zeros(np.add(mass.shape, (0, 0, 1)))
    np.cumsum(mass, axis=2, out=below[:, :, 1:])
    return below
