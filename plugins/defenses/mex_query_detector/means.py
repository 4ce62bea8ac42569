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


@attrs.frozen(eq=False)
class Benign(Shared):
    """The mean of ``m`` benign rows, and the metric in which another mean is far from it (None: the usual one)."""

    mean: FloatArray
    m: int
    precision: FloatArray | None = None

    def session(self) -> Means:
        """A client that has sent nothing yet."""
        return Means(self)


class Means:
    """The mean of a client's rows beside that of benign ones: n m / (n + m) times the squared distance."""

    def __init__(self, benign: Benign) -> None:
        self._benign, self._n, self._sum = benign, 0, np.zeros_like(benign.mean)

    def add(self, Z: FloatArray, every: int) -> FloatArray:
        """Take more rows; the squared distance of all so far after every block of so many."""
        blocks = Z.reshape(-1, every, Z.shape[1]).sum(axis=1)
        sums = np.cumsum(np.vstack([self._sum, blocks]), axis=0)[1:]
        n = self._n + every * np.arange(1, len(blocks) + 1)
        self._n, self._sum = int(n[-1]), sums[-1]
        m, precision = self._benign.m, self._benign.precision
        gaps = sums / n[:, None] - self._benign.mean
        squared = (gaps**2 if precision is None else gaps @ precision * gaps).sum(axis=1)
        return np.asarray(n * m / (n + m) * squared)


@attrs.frozen(eq=False)
class Hotelling(Shared):
    """T² = n m / (n + m) (x̄ - μ)' S⁻¹ (x̄ - μ), with the covariance S of the benign rows.

    S is shrunk as Ledoit and Wolf (2004) do, since one-hot groups make it singular.
    """

    standard: Standard
    first: ClassVar[int] = 1
    two_sample: ClassVar[bool] = True

    def describe(self, X: FloatArray) -> FloatArray:
        """The rows in standard units."""
        return self.standard(X)

    def against(self, Z: FloatArray) -> Benign:
        """Learn the mean and the covariance of benign rows."""
        covariance, _ = ledoit_wolf(Z)
        return Benign(Z.mean(axis=0), len(Z), np.linalg.inv(covariance + RIDGE * np.eye(Z.shape[1])))


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
