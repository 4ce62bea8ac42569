"""Two-sample tests that compare means: of the rows (Hotelling's T²), and of random features of them (MMD)."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from scipy.spatial.distance import pdist
from sklearn.covariance import ledoit_wolf

from mex.types import FloatArray
from mex_query_detector.calibration import Shared, Standard

FEATURES = 100
"""Random frequencies of the Gaussian kernel, a sine and a cosine each."""
RIDGE = 1e-6
"""Variance, of 1, that a direction has in which benign rows do not vary: suspicious, and not infinitely so."""
WITHIN = 0.95
"""Share of the benign rows that count by their whole distance."""


@attrs.frozen(eq=False)
class Whitening(Shared):
    """Coordinates in which benign rows have mean 0 and covariance 1, and no row is farther than ``radius`` from 0."""

    mean: FloatArray
    root: FloatArray
    radius: float

    @classmethod
    def of(cls, Z: FloatArray) -> Whitening:
        """Learn from benign rows."""
        mean, (covariance, _) = Z.mean(axis=0), ledoit_wolf(Z)
        root = np.linalg.cholesky(np.linalg.inv(covariance + RIDGE * np.eye(Z.shape[1])))
        radius = float(np.quantile(np.linalg.norm((Z - mean) @ root, axis=1), WITHIN))
        return cls(mean, root, max(radius, Z.shape[1] ** 0.5))  # more than 0 where benign rows are all alike

    def __call__(self, Z: FloatArray) -> FloatArray:
        white = (Z - self.mean) @ self.root
        length = np.linalg.norm(white, axis=1, keepdims=True)
        return np.asarray(white * np.minimum(1, self.radius / np.maximum(length, 1e-300)))


@attrs.frozen(eq=False)
class Benign(Shared):
    """The mean of ``m`` benign rows in the coordinates in which means are compared (None: as they are)."""

    mean: FloatArray
    m: int
    view: Whitening | None = None

    def session(self) -> Means:
        """A client that has sent nothing yet."""
        return Means(self)


class Means:
    """The mean of a client's rows beside that of benign ones: n m / (n + m) times the squared distance."""

    def __init__(self, benign: Benign) -> None:
        self._benign, self._n, self._sum = benign, 0, np.zeros_like(benign.mean)

    def add(self, Z: FloatArray, every: int) -> FloatArray:
        """Take more rows; the squared distance of all so far after every block of so many."""
        rows = Z if self._benign.view is None else self._benign.view(Z)
        blocks = rows.reshape(-1, every, Z.shape[1]).sum(axis=1)
        sums = np.cumsum(np.vstack([self._sum, blocks]), axis=0)[1:]
        n = self._n + every * np.arange(1, len(blocks) + 1)
        self._n, self._sum = int(n[-1]), sums[-1]
        gaps, m = sums / n[:, None] - self._benign.mean, self._benign.m
        return np.asarray(n * m / (n + m) * (gaps**2).sum(axis=1))


@attrs.frozen(eq=False)
class Hotelling(Shared):
    """T² = n m / (n + m) (x̄ - μ)' S⁻¹ (x̄ - μ), with the covariance S of the benign rows.

    S is shrunk as Ledoit and Wolf (2004) do, since one-hot groups make it singular. A row farther away than
    nearly all benign ones counts as if it were as far as these: of data with long tails, a single honest row would
    raise the alarm otherwise, and from the benign rows nobody could tell how often.
    """

    standard: Standard
    first: ClassVar[int] = 1
    two_sample: ClassVar[bool] = True

    def describe(self, X: FloatArray) -> FloatArray:
        """The rows in standard units."""
        return self.standard(X)

    def against(self, Z: FloatArray) -> Benign:
        """Learn the mean and the covariance of benign rows."""
        view = Whitening.of(Z)
        return Benign(view(Z).mean(axis=0), len(Z), view)


@attrs.frozen(eq=False)
class MMD(Shared):
    """The maximum mean discrepancy of a Gaussian kernel (Gretton et al. 2012) by random features.

    The kernel is an inner product of cosines and sines (Rahimi and Recht 2007), so that the discrepancy is
    the distance between two means, and a row costs the same whatever came before. Squared it is biased
    by what benign rows have as well, and the calibration subtracts that.
    """

    standard: Standard
    frequencies: FloatArray
    first: ClassVar[int] = 1
    two_sample: ClassVar[bool] = True

    @classmethod
    def of(cls, standard: Standard, benign: FloatArray, rng: np.random.Generator) -> MMD:
        """Draw the features; the kernel is as wide as the median distance of two benign rows."""
        width = float(np.median(pdist(standard(benign[:500])))) or 1.0
        return cls(standard, rng.standard_normal((benign.shape[1], FEATURES)) / width)

    def describe(self, X: FloatArray) -> FloatArray:
        """The features of the rows, of length 1."""
        angles = self.standard(X) @ self.frequencies
        return np.asarray(np.hstack([np.cos(angles), np.sin(angles)]) / np.sqrt(FEATURES))

    def against(self, Z: FloatArray) -> Benign:
        """Learn the mean of benign features."""
        return Benign(Z.mean(axis=0), len(Z))
