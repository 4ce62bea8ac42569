"""A basis of R^d in which a query is a threshold of one ratio."""

from __future__ import annotations

import math

import attrs
import numpy as np

from mex.types import Array, FloatArray


@attrs.frozen(eq=False)
class Frame:
    """An orthonormal basis of R^d whose first vector, the pivot, makes an acute angle with w*.

    The halfspace has ratios v_j = <w*, others_j> / <w*, pivot>. The direction others_j - t pivot is answered
    sign(v_j - t), so each query is about one ratio. The version space of the ratios is a box if answers are right;
    if they may be wrong the posterior is a product of one-dimensional ones.

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
        """The directions that ask whether ratio j is above t, for each j in ``rows`` and its ``t``, shape (n, d)."""
        return np.asarray(self.others[rows] - t[:, None] * self.pivot)

    def normal(self, ratios: FloatArray) -> FloatArray:
        """The unit vector with these ratios, shape (d,)."""
        w = self.pivot + ratios @ self.others
        return np.asarray(w / np.linalg.norm(w))

    def rotated(self, angle: float) -> Frame:
        """This frame with the pivot rotated towards ``others[0]`` by ``angle``."""
        c, s = math.cos(angle), math.sin(angle)
        first = c * self.others[0] - s * self.pivot
        return Frame(c * self.pivot + s * self.others[0], np.concatenate([first[None], self.others[1:]]))


def basis(kind: str, d: int, rng: np.random.Generator) -> FloatArray:
    """An orthonormal basis of R^d as rows: ``canonical``, or ``random``, uniform over all of them.

    In a random basis the prior of w* is uniform on the sphere whatever w* is, so a confidence holds for each w*.
    """
    if kind == "canonical":
        return np.eye(d)
    return np.ascontiguousarray(np.linalg.qr(rng.standard_normal((d, d)))[0].T)
