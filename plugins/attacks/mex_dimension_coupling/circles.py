"""Noisy bisection of the circle, many circles at a time."""

from __future__ import annotations

import numpy as np

from mex.types import BoolArray, FloatArray

HALF_TURN, FULL_TURN = np.pi, 2 * np.pi

SECTORS = 1024
"""Where the diameters asked cut a circle into more pairs of sectors than this, light ones are merged."""


class Circles:
    """The posteriors of k angles, each that of a unit vector c in a plane of its own: DC2, k planes at once.

    A query in the plane tells, wrongly with probability ``rho``, on which side of a diameter c is. So the
    density is constant between the diameters asked, and asking the one that halves the mass gains
    1 - H(rho) bits whatever the answer. A diameter cuts opposite sectors at once: the edges in [0, pi]
    serve both half circles.

    Args:
        first, second: the probability that each coordinate of c is positive, shape (k,); inside a
            quadrant the prior is uniform.
        rho: the probability that an answer is wrong; if it is 0, half circles are ruled out.

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
        """The unit vectors to ask, orthogonal to the halving diameters, shape (k, 2)."""
        return np.column_stack([-np.sin(self._diameter), np.cos(self._diameter)])

    def tell(self, positive: BoolArray) -> None:
        """Take the answers to :meth:`queries`: was <c, query> said to be positive? Shape (k,)."""
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
        """Forget the other planes."""
        self._edges, self._mass = self._edges[planes], self._mass[planes]
        self._find_diameters()

    def _find_diameters(self) -> None:
        """Find in each plane the first diameter, from an angle in [0, pi), with half the mass on either side."""
        self._below = _cumulated(self._mass)
        ahead, behind = self._below[:, 0], self._below[:, 1]
        # What half a turn from each edge holds beyond a half: linear between edges, and opposite at the two ends.
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
        """Keep the edges of heavy sectors, and of the light ones as many as quantiles of the mass need."""
        below = _cumulated(self._mass)
        quantile = np.floor(below.sum(axis=1) * (SECTORS / 4))
        heavy = np.diff(quantile) > 0
        last = heavy.shape[1]
        kept = np.pad(heavy, ((0, 0), (1, 0)), constant_values=True) | np.pad(heavy, ((0, 0), (0, 1)))
        # A plane that keeps fewer than the others repeats its last edge: sectors without width or mass.
        index = np.sort(np.where(kept, np.arange(last + 1), last), axis=1)[:, : int(kept.sum(axis=1).max()) + 1]
        self._edges = np.take_along_axis(self._edges, index, axis=1)
        self._mass = np.diff(np.take_along_axis(below, index[:, None], axis=2), axis=2)


def _cumulated(mass: FloatArray) -> FloatArray:
    """The mass before each edge of a half circle, shape (k, 2, m) -> (k, 2, m + 1)."""
    below = np.zeros(np.add(mass.shape, (0, 0, 1)))
    np.cumsum(mass, axis=2, out=below[:, :, 1:])
    return below
