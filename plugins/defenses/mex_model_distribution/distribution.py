"""A normal distribution over halfspaces."""

from __future__ import annotations

import attrs
import numpy as np

from mex.domain import Domain
from mex.types import BoolArray, FloatArray


@attrs.frozen(eq=False)
class Frame:
    """Coordinates in which halfspaces are homogeneous: standardised features and, with an intercept, a constant one.

    Without an intercept features are scaled only.
    """

    centre: FloatArray
    scale: FloatArray
    constant: bool

    @classmethod
    def of(cls, X: FloatArray, domain: Domain, intercept: bool) -> Frame:
        """The frame of training rows, shape (n, d)."""
        centre = X.mean(axis=0) if intercept else np.zeros(X.shape[1])
        scale = np.sqrt(np.mean((X - centre) ** 2, axis=0))
        return cls(centre, np.where(scale > 1e-9 * domain.half_width, scale, domain.half_width), intercept)

    def rows(self, X: FloatArray) -> FloatArray:
        """Rows of the domain in this frame, shape (n, p)."""
        Z = (X - self.centre) / self.scale
        return np.column_stack([Z, np.ones(len(Z))]) if self.constant else Z

    def normal(self, w: FloatArray, b: float) -> FloatArray:
        """The unit normal of the halfspace <w, x> + b > 0 in this frame, shape (p,)."""
        v = np.append(w * self.scale, b + w @ self.centre) if self.constant else w * self.scale
        return np.asarray(v / np.linalg.norm(v)) if v.any() else v


@attrs.frozen(eq=False)
class Distribution:
    """A distribution of halfspaces, w ~ N(mean, diag(spread)^2), on ``frame.rows``.

    Attributes:
        mean: mu, a unit vector, shape (p,).
        spread: the standard deviations of w's components, shape (p,).
        nu: the least probability that a draw answers a reliable training row as f* does.
        reliable: which training rows that holds for, shape (n,).
    """

    frame: Frame
    mean: FloatArray
    spread: FloatArray
    nu: float
    reliable: BoolArray

    def scores(self, X: FloatArray) -> FloatArray:
        """<mu, z> / ||Sigma^1/2 z||, shape (n,): a draw answers positive with probability Phi of it."""
        Z = self.frame.rows(X)
        length = np.linalg.norm(Z * self.spread, axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.nan_to_num(Z @ self.mean / length, nan=0.0))

    def queries(self, eps: float) -> float:
        """The queries for ||w^ - mu|| <= eps of an attacker who knows Sigma: (pi/2) tr((P Sigma P)^1/2)^2 / eps^2.

        P projects along mu. It is for small eps and rows of free choice: the A-optimal design under the Fisher
        information (2/pi) z z' / (z' Sigma z) of rows on the boundary of mu.
        """
        P = np.eye(len(self.mean)) - np.outer(self.mean, self.mean)
        deviations = np.linalg.svd(self.spread[:, None] * P, compute_uv=False)
        return float(np.pi / 2 * deviations.sum() ** 2 / eps**2)
