"""The version space: all weights that agree with every answer, and what they leave open."""

from __future__ import annotations

import numpy as np
from scipy.optimize import nnls

from mex.toolkit.bayes_point.posterior import Posterior
from mex.types import Array, BoolArray, FloatArray

ROUNDING = 1e-8
"""What counts as 0, as a share of the vectors that it is the difference of."""
FIRST = 4
"""How many constraints, for each dimension, are looked at first: the tightest ones."""


class VersionSpace:
    """The cone of all w with <w, a> >= 0 for every row of a posterior.

    The sign of <w, v> follows from the answers if v is a conic combination of rows (Farkas), which non-negative least
    squares find out (Lawson and Hanson 1974). Where it is none, the residual is a w of the version space for which the
    sign is the other one (Moreau). All is done in coordinates in which the posterior is about standard normal across
    its mean, and the mean has length 1.

    Args:
        posterior: of the rows, turned by their signs, with a mean other than 0.
    """

    def __init__(self, posterior: Posterior) -> None:
        axes, mean = posterior.axes, posterior.mean
        u = np.linalg.solve(axes, mean)
        unit = u / np.linalg.norm(u)
        self._map: FloatArray = axes - np.multiply.outer(axes @ unit - mean, unit)  # to w from these coordinates
        rows = posterior.rows @ self._map
        self._mean: FloatArray = unit
        along = rows @ unit
        across = np.sqrt(np.maximum(np.einsum("ij,ij->i", rows, rows) - along**2, 1e-300))
        self._order = np.argsort(along / across, kind="stable")
        self._rows = rows / np.sqrt(across**2 + along**2)[:, None]

    @property
    def empty(self) -> bool:
        """Whether no w agrees with every answer."""
        return self._opposed(-self._mean)[0] is None

    def settle(self, V: FloatArray) -> tuple[BoolArray, int | None]:
        """Go through vectors, shape (n, d), up to the first whose sign is open.

        Returns:
            which of them are found to have the sign at the mean for every w, shape (n,), some after the open one as
            well; and the index of that, None if there is none.
        """
        C = V @ self._map
        C = np.where((C @ self._mean >= 0)[:, None], C, -C)
        implied = np.zeros(len(C), dtype=bool)
        for i in range(len(C)):
            if implied[i]:
                continue
            w, support = self._opposed(C[i])
            if w is not None:
                return implied, i
            implied[i] = True
            rest = np.flatnonzero(~implied)
            if len(support) == len(self._mean) and len(rest):  # what else is in the cone of these rows
                weights = np.linalg.solve(self._rows[support].T, C[rest].T)
                implied[rest] = (weights > -ROUNDING * np.abs(weights).max(axis=0)).all(axis=0)
        return implied, None

    def nearest(self, t: FloatArray) -> FloatArray | None:
        """The w of the version space nearest to ``t`` standard deviations off the mean, shape (d,); None if it is 0."""
        found = self._opposed(-(t - (t @ self._mean - 1) * self._mean))[0]
        return None if found is None else np.asarray(self._map @ found)

    def _opposed(self, c: FloatArray) -> tuple[FloatArray | None, Array]:
        """A w of the version space with <w, c> < 0, shape (d,); or None, and the rows whose cone c is in."""
        size = float(np.linalg.norm(c))
        used = self._order[: FIRST * len(c)]
        if size == 0:
            return None, used[:0]
        c = c / size
        while True:
            weights, _ = nnls(self._rows[used].T, c, maxiter=30 * len(used))
            w = weights @ self._rows[used] - c
            length = float(np.linalg.norm(w))
            if length <= ROUNDING:
                return None, used[weights > 0]
            products = self._rows @ w
            broken = np.setdiff1d(np.flatnonzero(products < -ROUNDING * max(length, 1e-3)), used)
            if not len(broken):
                return np.asarray(w), used[:0]
            used = np.append(used, broken[np.argsort(products[broken], kind="stable")[: 2 * len(c)]])
