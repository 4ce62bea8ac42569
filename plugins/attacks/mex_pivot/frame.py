"""The chart of the projective sphere in which threshold queries are one-dimensional."""

from __future__ import annotations

import math

import attrs
import numpy as np

from mex.types import Array, FloatArray


@attrs.frozen(eq=False)
class Frame:
    """An orthonormal basis of R^d whose first vector, the pivot, makes an acute angle with w*.

    The halfspace has ratios v_j = <w*, others_j> / <w*, pivot>. The direction others_j - t pivot
    is answered sign(v_j - t): each ratio is a threshold of its own, so what is left of the ratios is a
    box when answers are right, and a product of one-dimensional posteriors when they may be wrong.

    Attributes:
        pivot: shape (d,).
        others: shape (d - 1, d).

    >>> frame = Frame(np.array([1.0, 0.0]), np.array([[0.0, 1.0]]))
    >>> frame.directions(np.array([0]), np.array([0.75]))
    array([[-0.75,  1.  ]])
    >>> frame.normal(np.array([0.75]))
    array([0.8, 0.6])
    """

    pivot: FloatArray
    others: FloatArray

    def directions(self, rows: Array, t: FloatArray) -> FloatArray:
        """The queries "is ratio j above t?" for each j in ``rows`` and its t, shape (n, d)."""
        return np.asarray(self.others[rows] - t[:, None] * self.pivot)

    def normal(self, ratios: FloatArray) -> FloatArray:
        """The unit vector with these ratios, shape (d,)."""
        w = self.pivot + ratios @ self.others
        return np.asarray(w / np.linalg.norm(w))

    def turned(self, angle: float) -> Frame:
        """This frame with the pivot turned towards ``others[0]`` by ``angle``."""
        c, s = math.cos(angle), math.sin(angle)
        first = c * self.others[0] - s * self.pivot
        return Frame(c * self.pivot + s * self.others[0], np.concatenate([first[None], self.others[1:]]))


def basis(kind: str, d: int, rng: np.random.Generator) -> FloatArray:
    """An orthonormal basis of R^d as rows: ``canonical``, or ``random`` (uniform over all).

    In a random basis every target looks drawn from the uniform prior, so a confidence holds for each.
    """
    if kind == "canonical":
        return np.eye(d)
    return np.ascontiguousarray(np.linalg.qr(rng.standard_normal((d, d)))[0].T)
