"""Bayesian bisection: one-dimensional search for a threshold with answers that may be wrong."""

from __future__ import annotations

import math

import numpy as np

from mex.types import FloatArray


class Bisection:
    """The exact posterior of a threshold in [low, high] under answers wrong with probability ``rho``.

    The density is constant between the points asked. Asking its median is probabilistic bisection (Horstein 1963;
    Waeber, Frazier and Henderson 2013), which for rho = 0 is plain bisection.

    >>> search = Bisection(0.0, 1.0)
    >>> for _ in range(20):
    ...     x = search.median()
    ...     search.tell(x, below=x < 0.3)
    >>> round(search.median(), 5), search.width(0.99) < 1e-5
    (0.3, True)
    """

    def __init__(self, low: float, high: float, rho: float = 0.0, scale: float = math.inf) -> None:
        """Start from a prior on [low, high]: uniform, or Cauchy with a ``scale``, truncated, if that is finite.

        The tails of the Cauchy prior are so heavy that a threshold far from zero costs a few queries more only.
        """
        self._edges: FloatArray = np.array([low, high])
        self._mass: FloatArray = np.array([1.0])
        self._rho = rho
        if scale < high - low:
            inner = scale * np.tan(np.pi / 2 * np.arange(-63, 64) / 64)
            self._edges = np.concatenate([[low], inner[(inner > low) & (inner < high)], [high]])
            self._mass = np.diff(np.arctan(self._edges / scale))
            self._mass /= self._mass.sum()

    def median(self) -> float:
        """The posterior median: the next point to ask, and the estimate."""
        return self.quantile(0.5)

    def quantile(self, share: float) -> float:
        """The point with ``share`` of the posterior mass below it."""
        below = np.concatenate([[0.0], np.cumsum(self._mass)])
        i = int(np.clip(np.searchsorted(below, share, side="right") - 1, 0, len(self._mass) - 1))
        part = (share - below[i]) / self._mass[i] if self._mass[i] > 0 else 0.5
        return float(self._edges[i] + min(max(part, 0.0), 1.0) * (self._edges[i + 1] - self._edges[i]))

    def tell(self, x: float, below: bool) -> None:
        """Take an answer: whether ``x`` was said to be ``below`` the threshold."""
        i = int(np.searchsorted(self._edges, x))
        if 0 < i < len(self._edges) and self._edges[i] > x:
            share = (x - self._edges[i - 1]) / (self._edges[i] - self._edges[i - 1])
            self._edges = np.insert(self._edges, i, x)
            self._mass = np.concatenate(
                [self._mass[: i - 1], self._mass[i - 1] * np.array([share, 1 - share]), self._mass[i:]]
            )
        above = self._edges[:-1] >= x
        mass = self._mass * np.where(above == below, 1 - self._rho, self._rho)
        if mass.sum() > 0:  # else the answers contradict each other, and the posterior stays
            keep = mass > 0
            # For rho = 0 the support is one interval: drop what is ruled out.
            if not keep.all():
                first, last = np.flatnonzero(keep)[[0, -1]]
                self._edges, mass = self._edges[first : last + 2], mass[first : last + 1]
            self._mass = mass / mass.sum()

    def width(self, confidence: float) -> float:
        """The length of the central interval that holds the threshold with probability ``confidence``."""
        tail = (1 - confidence) / 2
        return self.quantile(1 - tail) - self.quantile(tail)
