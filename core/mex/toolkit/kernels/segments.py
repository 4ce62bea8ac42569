"""Ways between rows that stay inside the domain, and bisection along them."""

from __future__ import annotations

import attrs
import numpy as np

from mex.domain import Domain
from mex.types import BoolArray, FloatArray


@attrs.define(eq=False)
class Paths:
    """Ways from the rows ``a`` to the rows ``b``, each with a bracket around the place where something changes.

    Continuous features move together, integer features are rounded on the way, and each one-hot group goes
    over to its other category at a random moment of its own, so that a way between rows of many categories
    has many stations. Every row of every way is one that the interface accepts.

    Attributes:
        a, b: where the ways start and end, shape (n, d).
        low, high: the brackets, as shares of the way, shape (n,).

    >>> domain = Domain([0, 0, 0], [9, 1, 1], integer=[True, False, False], groups=[(1, 2)])
    >>> ways = Paths.between(domain, np.array([[0.0, 1, 0]]), np.array([[9.0, 0, 1]]), np.random.default_rng(0))
    >>> ways.middle()
    array([[4., 1., 0.]])
    >>> ways.narrow(np.array([True])).ends()[0]  # the change comes after the middle
    array([[4., 1., 0.]])
    """

    domain: Domain
    a: FloatArray
    b: FloatArray
    low: FloatArray
    high: FloatArray
    _moments: FloatArray  # when each group goes over, shape (n, groups)

    @classmethod
    def between(cls, domain: Domain, a: FloatArray, b: FloatArray, rng: np.random.Generator) -> Paths:
        """Ways with brackets that span them."""
        n = len(a)
        return cls(domain, a, b, np.zeros(n), np.ones(n), rng.random((n, len(domain.groups))))

    def at(self, t: FloatArray) -> FloatArray:
        """The rows at the shares ``t`` of the ways, shape (n, d)."""
        X = self.a + t[:, None] * (self.b - self.a)
        X[:, self.domain.integer] = np.round(X[:, self.domain.integer])
        for k, group in enumerate(self.domain.groups):
            over = (t > self._moments[:, k]) | (t >= 1)
            X[:, group] = np.where(over[:, None], self.b[:, group], self.a[:, group])
        return np.clip(X, self.domain.lower, self.domain.upper)  # rounding

    def middle(self) -> FloatArray:
        """The rows in the middle of the brackets, shape (n, d)."""
        return self.at((self.low + self.high) / 2)

    def ends(self) -> tuple[FloatArray, FloatArray]:
        """The rows at both ends of the brackets."""
        return self.at(self.low), self.at(self.high)

    def narrow(self, before: BoolArray) -> Paths:
        """Halve each bracket: its middle is ``before`` the change, or after it. Changes ``self``."""
        t = (self.low + self.high) / 2
        self.low, self.high = np.where(before, t, self.low), np.where(before, self.high, t)
        return self

    def take(self, chosen: BoolArray) -> Paths:
        """Some of the ways."""
        parts = (self.a, self.b, self.low, self.high, self._moments)
        return Paths(self.domain, *(part[chosen] for part in parts))
