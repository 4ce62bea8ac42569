"""Segments between rows that stay inside the domain, and bisection along them."""

from __future__ import annotations

import attrs
import numpy as np

from mex.domain import Domain
from mex.types import BoolArray, FloatArray


@attrs.define(eq=False)
class Segments:
    """Segments from the rows ``a`` to the rows ``b``, each with a bracket around the point where something changes.

    The interface accepts every row of a segment: continuous features move linearly, integer features are rounded, and
    each one-hot group changes from its category in ``a`` to that in ``b`` at a random point of its own.

    Attributes:
        a, b: the ends of the segments, shape (n, d).
        low, high: the brackets, as shares of the segments, shape (n,).

    >>> domain = Domain([0, 0, 0], [9, 1, 1], integer=[True, False, False], groups=[(1, 2)])
    >>> a, b = np.array([[0.0, 1, 0]]), np.array([[9.0, 0, 1]])
    >>> segments = Segments.between(domain, a, b, np.random.default_rng(0))
    >>> segments.middle()
    array([[4., 1., 0.]])
    >>> segments.narrow(np.array([True])).ends()[0]  # the change is beyond the middle
    array([[4., 1., 0.]])
    """

    domain: Domain
    a: FloatArray
    b: FloatArray
    low: FloatArray
    high: FloatArray
    _switch: FloatArray  # the share at which each group changes, shape (n, number of groups)

    @classmethod
    def between(cls, domain: Domain, a: FloatArray, b: FloatArray, rng: np.random.Generator) -> Segments:
        """Segments whose brackets span them."""
        n = len(a)
        return cls(domain, a, b, np.zeros(n), np.ones(n), rng.random((n, len(domain.groups))))

    def at(self, t: FloatArray) -> FloatArray:
        """The rows at the shares ``t``, shape (n,), of the segments, shape (n, d)."""
        X = self.a + t[:, None] * (self.b - self.a)
        X[:, self.domain.integer] = np.round(X[:, self.domain.integer])
        for k, group in enumerate(self.domain.groups):
            changed = (t > self._switch[:, k]) | (t >= 1)
            X[:, group] = np.where(changed[:, None], self.b[:, group], self.a[:, group])
        return np.clip(X, self.domain.lower, self.domain.upper)  # rounding

    def middle(self) -> FloatArray:
        """The rows in the middle of the brackets, shape (n, d)."""
        return self.at((self.low + self.high) / 2)

    def ends(self) -> tuple[FloatArray, FloatArray]:
        """The rows at the lower and at the upper end of the brackets, shape (n, d) each."""
        return self.at(self.low), self.at(self.high)

    def narrow(self, before: BoolArray) -> Segments:
        """Halve the brackets in place: ``before`` tells where the middle is before the change, shape (n,)."""
        t = (self.low + self.high) / 2
        self.low, self.high = np.where(before, t, self.low), np.where(before, self.high, t)
        return self

    def take(self, chosen: BoolArray) -> Segments:
        """Some of the segments."""
        parts = (self.a, self.b, self.low, self.high, self._switch)
        return Segments(self.domain, *(part[chosen] for part in parts))
