"""The posterior of a probit model, by expectation propagation."""

from __future__ import annotations

import numpy as np
from scipy.special import log_ndtr

from mex.types import FloatArray

SWEEPS = 50
"""The most sweeps over all answers."""
DAMPING = 0.7
"""The step of each sweep but the first."""
SETTLED = 0.02
"""A sweep is the last one if mean and covariance change by less than this, in posterior standard deviations."""
TINY = 1e-12


class Posterior:
    """The posterior of mu ~ N(0, I/d) given answers of probability Phi(<mu, z>), approximated by a Gaussian.

    Expectation propagation: the likelihood of each answer is replaced by a Gaussian in <mu, z> that has the same
    moments under the posterior without it (Minka 2001; for probit regression Rasmussen and Williams 2006, Section
    3.6). Where answers are nearly noise-free it is better than the Laplace approximation.

    Attributes:
        mean, cov: the moments of mu, shape (d,) and (d, d).

    >>> posterior = Posterior(2)
    >>> posterior.add(np.array([[3.0, 0.0]] * 50))
    >>> bool(posterior.mean[0] > 0.9), float(posterior.mean[1]), float(posterior.cov[1, 1].round(6))
    (True, 0.0, 0.5)
    """

    def __init__(self, d: int) -> None:
        self.mean: FloatArray = np.zeros(d)
        self.cov: FloatArray = np.eye(d) / d  # ||mu|| = 1
        self._rows: FloatArray = np.empty((0, d))
        # The natural parameters of the Gaussian of each row, shape (n,).
        self._precision: FloatArray = np.empty(0)
        self._shift: FloatArray = np.empty(0)

    def add(self, rows: FloatArray) -> None:
        """Add rows z, shape (n, d), each times the sign of its answer."""
        self._rows = np.concatenate([self._rows, rows])
        self._precision = np.append(self._precision, np.zeros(len(rows)))
        self._shift = np.append(self._shift, np.zeros(len(rows)))
        for sweep in range(SWEEPS):
            before, width = self.mean, self.cov
            self._sweep(1.0 if sweep == 0 else DAMPING)
            inverse = np.linalg.inv(self.cov)
            moved = (self.mean - before) @ inverse @ (self.mean - before) / len(before)
            narrowed = abs(np.linalg.slogdet(inverse @ width)[1]) / len(before)
            if moved < SETTLED**2 and narrowed < SETTLED:
                break

    def _sweep(self, step: float) -> None:
        """Update the Gaussians of all rows, each given the others, by a share ``step`` of the difference."""
        variance = np.maximum(np.einsum("ij,ij->i", self._rows @ self.cov, self._rows), TINY)
        without = 1 / np.maximum(1 / variance - self._precision, TINY)
        mean = without * (self._rows @ self.mean / variance - self._shift)
        root = np.sqrt(1 + without)
        z = mean / root
        slope = np.exp(-(z**2) / 2 - log_ndtr(z)) / np.sqrt(2 * np.pi)
        curve = slope * (z + slope) / root**2
        left = np.maximum(1 - curve * without, TINY)
        self._precision += step * (curve / left - self._precision)
        self._shift += step * ((slope / root + curve * mean) / left - self._shift)
        d = len(self.mean)
        precision = (self._rows * self._precision[:, None]).T @ self._rows + d * np.eye(d)
        self.cov = np.asarray(np.linalg.inv(precision))
        self.mean = np.asarray(self.cov @ (self._rows.T @ self._shift))
