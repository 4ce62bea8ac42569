"""Two-sample tests of means: of the rows (Hotelling's T²) and of random features of them (MMD)."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import numpy as np
from scipy.spatial.distance import pdist
from sklearn.covariance import ledoit_wolf

from mex.types import FloatArray
from mex_query_detector.calibration import Shared, Standard

FEATURES = 100
"""The number of random frequencies of the Gaussian kernel, with a sine and a cosine each."""
RIDGE = 1e-6
"""The variance, in standard units, of directions in which benign rows are constant."""


@attrs.frozen(eq=False)
class Benign(Shared):
    """The mean of ``m`` benign rows, and the metric for the distance of other means; None is the Euclidean metric."""

    mean: FloatArray
    m: int
    precision: FloatArray | None = None

    def session(self) -> Means:
        """A client without rows."""
        return Means(self)


class Means:
    """The score of a client: n m / (n + m) times the squared distance of its mean from that of benign rows."""

    def __init__(self, benign: Benign) -> None:
        self._benign = benign
        self._n = 0
        self._sum: FloatArray = np.zeros_like(benign.mean)

    @property
    def memory(self) -> Any:
        """The number of rows, and their sum."""
        return [self._n, self._sum.tolist()]

    @memory.setter
    def memory(self, memory: Any) -> None:
        self._n, total = memory
        self._sum = np.array(total)

    def add(self, Z: FloatArray, every: int) -> FloatArray:
        """Add blocks of ``every`` rows; return the score of all rows after each block."""
        blocks = Z.reshape(-1, every, Z.shape[1]).sum(axis=1)
        sums = np.cumsum(np.vstack([self._sum, blocks]), axis=0)[1:]
        n = self._n + every * np.arange(1, len(blocks) + 1)
        self._n = int(n[-1])
        self._sum = sums[-1]
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
        """The standardised rows."""
        return self.standard(X)

    def against(self, Z: FloatArray) -> Benign:
        """Fit the mean and the covariance of benign rows."""
        covariance, _ = ledoit_wolf(Z)
        return Benign(Z.mean(axis=0), len(Z), np.linalg.inv(covariance + RIDGE * np.eye(Z.shape[1])))


@attrs.frozen(eq=False)
class MMD(Shared):
    """The maximum mean discrepancy of a Gaussian kernel (Gretton et al. 2012) by random features.

    The kernel is approximated by an inner product of cosines and sines (Rahimi and Recht 2007), so that the discrepancy
    is the distance between two means, and the time per row is constant. Its square is biased, as much for benign rows,
    which the calibration takes into account.
    """

    standard: Standard
    frequencies: FloatArray
    first: ClassVar[int] = 1
    two_sample: ClassVar[bool] = True

    @classmethod
    def of(cls, standard: Standard, benign: FloatArray, rng: np.random.Generator) -> MMD:
        """Draw the frequencies; the width of the kernel is the median distance of two benign rows."""
        width = float(np.median(pdist(standard(benign[:500])))) or 1.0
        return cls(standard, rng.standard_normal((benign.shape[1], FEATURES)) / width)

    def describe(self, X: FloatArray) -> FloatArray:
        """The features of the rows, of norm 1."""
        angles = self.standard(X) @ self.frequencies
        return np.asarray(np.hstack([np.cos(angles), np.sin(angles)]) / np.sqrt(FEATURES))

    def against(self, Z: FloatArray) -> Benign:
        """Fit the mean of the features of benign rows."""
        return Benign(Z.mean(axis=0), len(Z))
