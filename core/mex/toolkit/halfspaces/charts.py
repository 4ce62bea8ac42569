"""Charts: which rows of an interface ask a direction of the homogeneous halfspace problem.

Query synthesis of halfspaces is stated for sign(<w, x>) on all of R^d, while models have an intercept and a bounded
domain. A chart translates: directions to rows, labels to signs, and the normal found to a halfspace on rows.
"""

from __future__ import annotations

from typing import Protocol

import attrs
import numpy as np

from mex.domain import Domain
from mex.toolkit.estimators import halfspace
from mex.types import Array, Estimator, FloatArray

FAR = 1e9
"""Distance at which a direction whose constant component is about 0 is asked, as a multiple of its length."""


class Chart(Protocol):
    """A translation between directions and rows."""

    @property
    def dimension(self) -> int:
        """The dimension of the homogeneous problem."""
        ...

    def rows(self, V: FloatArray) -> FloatArray:
        """The rows that ask the directions ``V``, shape (n, dimension) -> (n, n_features)."""
        ...

    def signs(self, V: FloatArray, positive: Array) -> FloatArray:
        """The signs of the directions, shape (n,), from whether each row got the positive label."""
        ...

    def halfspace(self, v: FloatArray, classes: Array) -> Estimator:
        """The halfspace on rows whose homogeneous normal is ``v``."""
        ...


@attrs.frozen(eq=False)
class LinearChart:
    """The chart of sign(<w, x>) on R^d: directions are rows."""

    dimension: int

    def rows(self, V: FloatArray) -> FloatArray:
        return V

    def signs(self, V: FloatArray, positive: Array) -> FloatArray:
        return np.where(positive, 1.0, -1.0)

    def halfspace(self, v: FloatArray, classes: Array) -> Estimator:
        return halfspace(v, classes=classes)


@attrs.frozen(eq=False)
class ProjectiveChart:
    """The chart of sign(<w, x> + b) on R^d: a direction (v, c) of the problem for (w, b) is asked at x = v / c."""

    dimension: int

    def rows(self, V: FloatArray) -> FloatArray:
        c = V[:, -1:]
        far = np.abs(c) * FAR < np.linalg.norm(V[:, :-1], axis=1, keepdims=True)
        return V[:, :-1] / np.where(far, np.linalg.norm(V, axis=1, keepdims=True) / FAR, c)

    def signs(self, V: FloatArray, positive: Array) -> FloatArray:
        c = V[:, -1]
        mirrored = (c < 0) & (np.abs(c) * FAR >= np.linalg.norm(V[:, :-1], axis=1))
        return np.where(positive != mirrored, 1.0, -1.0)

    def halfspace(self, v: FloatArray, classes: Array) -> Estimator:
        return halfspace(v[:-1], float(v[-1]), classes)


@attrs.define(eq=False)
class CentredChart:
    """The chart of sign(<w, x> + b) in a box: directions are asked from a boundary point, as far as the box allows.

    Attributes:
        domain: the box; lengths are in its unit coordinates.
        origin: the boundary point, shape (d,).
        free: which columns move, shape (d,); the others have the values of ``origin``.
    """

    domain: Domain
    origin: FloatArray
    free: Array

    @property
    def dimension(self) -> int:
        return int(self.free.sum())

    def rows(self, V: FloatArray) -> FloatArray:
        moves = np.zeros((len(V), self.domain.n_features))
        moves[:, self.free] = V * self.domain.half_width[self.free]
        with np.errstate(divide="ignore", invalid="ignore"):
            distance = np.where(moves > 0, self.domain.upper - self.origin, self.domain.lower - self.origin) / moves
        reach = np.min(np.where(moves == 0, np.inf, distance), axis=1, keepdims=True)
        reach = np.where(np.isfinite(reach), reach, 1.0)  # unbounded: one unit
        return self.valid(self.origin + reach * moves)

    def valid(self, X: FloatArray) -> FloatArray:
        """The nearest rows that the interface accepts: rounding may have left the box."""
        return np.asarray(np.clip(X, self.domain.lower, self.domain.upper))

    def signs(self, V: FloatArray, positive: Array) -> FloatArray:
        return np.where(positive, 1.0, -1.0)

    def halfspace(self, v: FloatArray, classes: Array) -> Estimator:
        w = np.zeros(self.domain.n_features)
        w[self.free] = v / self.domain.half_width[self.free]
        return halfspace(w, -float(w @ self.origin), classes)
