"""The posterior of a linear model given signs, as a Gaussian, by expectation propagation over all of them."""

from __future__ import annotations

import attrs
import numpy as np
from scipy.special import log_ndtr, ndtr

from mex.toolkit.bayes_point.sites import FAR, TINY, combined, one_by_one
from mex.types import Array, FloatArray

DAMPING = 0.7
"""The step of a sweep, as a share of the whole one."""
NARROWEST = 1e-6
"""The least share of its variance that a site leaves of a cavity: a step function leaves nothing in the limit."""
NOTHING = 1e-9
"""A site that takes a smaller share of the variance of its cavity is left out."""
PRIOR_RHO = (0.5, 4.5)
"""The Beta prior of the share of wrong signs where it is not known: as if so many were seen, wrong and right."""
LARGEST = 0.45
GROWTH = 1.25
"""How many times more sites there are when those left out are looked at again."""
TOGETHER = 16
"""How many rows are taken at once."""


@attrs.frozen
class SignModel:
    """The probability that the sign of a row is told as positive: rho + (1 - 2 rho) Phi(s / spread), s its score.

    With a ``spread`` of 0 it is rho or 1 - rho.
    """

    rho: float = 0.0
    spread: float = 0.0

    def site(self, mean: FloatArray, variance: FloatArray, offset: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The precision and the shift of the Gaussians that match moments with cavities N(offset + mean, variance).

        The shift is about the offset: precision times location, so that it is small where the mean is. The precision
        of a sign that is likely wrong is negative: it widens the posterior.
        """
        root = np.sqrt(variance + self.spread**2)
        z = (offset + mean) / root
        density = np.exp(-(z**2) / 2 - (log_ndtr(z) if self.rho == 0 else 0.0)) / np.sqrt(2 * np.pi)
        if self.rho > 0:
            density *= (1 - 2 * self.rho) / (self.rho + (1 - 2 * self.rho) * ndtr(z))
        slope, curve = density / root, density * (density + z) / root**2
        left = np.maximum(1 - curve * variance, NARROWEST)
        return curve / left, (slope + mean * curve) / left


class Posterior:
    """w ~ N(0, I) given rows a, each turned by its sign, so that <w, a> > 0 if it is right.

    Expectation propagation (Minka 2001): a site, a Gaussian in <w, a>, stands for the likelihood of each row, and has
    the moments that it has given all the others. Sites are kept in coordinates u with w = base + axes u in which the
    posterior was about standard normal when they were last chosen; in w itself float64 ends at errors of 1e-6.

    Attributes:
        d: the dimension.
        model: how signs depend on scores.
        mean, cov: the moments of w, shape (d,) and (d, d).
        n: how many rows there are.

    >>> posterior = Posterior(2)
    >>> posterior.add(np.array([[1.0, 0.1], [-0.2, 1.0], [0.8, -0.7]]))
    >>> posterior.refine()
    >>> posterior.mean.round(1), bool(posterior.error(np.eye(2)) < 0.5)
    (array([1.1, 0.6]), True)
    """

    def __init__(self, d: int, model: SignModel | None = None) -> None:
        self.d = d
        self.model = model or SignModel()
        self.n = 0
        self._reset()
        self._rows: FloatArray = np.empty((64, d))
        self._whitened: FloatArray = np.empty((64, d))  # rows in the coordinates u
        self._sites: FloatArray = np.zeros((3, 64))  # <base, a>, precision, shift
        self._active: Array = np.empty(0, dtype=int)  # rows whose sites matter, and those not looked at yet

    def _reset(self) -> None:
        """The moments before the first row."""
        self.mean: FloatArray = np.zeros(self.d)
        self.cov: FloatArray = np.eye(self.d)
        self._base: FloatArray = np.zeros(self.d)
        self._axes: FloatArray = np.eye(self.d)
        self._u: FloatArray = np.zeros(self.d)
        self._C: FloatArray = np.eye(self.d)  # the covariance of u
        self._looked_at = 0  # how many rows there were when all were

    def add(self, rows: FloatArray, *, at_once: bool = False) -> None:
        """Take rows, shape (n, d): one after the other, or ``at_once`` but with no effect before :meth:`refine`."""
        first, self.n = self.n, self.n + len(rows)
        while self.n > len(self._rows):
            self._rows, self._whitened = (np.concatenate([a, np.empty_like(a)]) for a in (self._rows, self._whitened))
            self._sites = np.concatenate([self._sites, np.zeros_like(self._sites)], axis=1)
        new = np.arange(first, self.n)
        self._active = np.append(self._active, new)
        self._rows[new], self._whitened[new] = rows, rows @ self._axes
        self._sites[0, new] = rows @ self._base
        for start in () if at_once else range(first, self.n, TOGETHER):
            self._filter(np.arange(start, min(start + TOGETHER, self.n)))

    def _filter(self, new: Array) -> None:
        """Choose the sites of some rows, each given those before it, and update the moments, which takes O(d^2)."""
        B, offset = self._whitened[new], self._sites[0, new]
        CB = self._C @ B.T
        G, s = B @ CB, B @ self._u
        precision, shift = one_by_one(self.model, s, G, offset)
        if not precision.any() and not shift.any():
            return
        self._sites[1:, new] = precision, shift
        left = np.linalg.solve(np.eye(len(new)) + precision[:, None] * G, np.diag(precision))
        pull = shift - precision * s
        step, across = CB @ (pull - left @ (G @ pull)), self._axes @ CB
        self._C -= CB @ left @ CB.T
        self.cov -= across @ left @ across.T
        self._u = self._u + step
        self.mean = self.mean + self._axes @ step

    def refine(self, sweeps: int = 2, settled: float = 1e-3) -> None:
        """Choose every site anew given all others, in up to so many sweeps, or until they have ``settled``."""
        if self.n == 0:
            return
        self._rebase()
        for _ in range(sweeps):
            active, B = self._active, self._whitened[self._active]
            (offset, precision, shift), s = self._sites[:, active], B @ self._u
            v = np.maximum(np.einsum("ij,ij->i", B @ self._C, B), TINY)
            cavity = 1 / np.maximum(1 / v - precision, 1e-3 / v)
            new = np.array(self.model.site(cavity * (s / v - shift), cavity, offset))
            new[:, (new[0] * cavity < NOTHING) & (new[0] > 0)] = 0.0
            change = float(np.max(np.abs(new[0] - precision) * v))
            self._sites[1:, active] += DAMPING * (new - self._sites[1:, active])
            precision, shift = self._sites[1:, active]
            self._C, self._u = combined(B, precision, shift, self._axes.T @ self._axes, -self._axes.T @ self._base)
            if change < settled:
                break
        self.mean = self._base + self._axes @ self._u
        self.cov = self._axes @ self._C @ self._axes.T

    def restart(self, model: SignModel, sweeps: int = 20) -> None:
        """Forget all sites and choose them anew by another model: a wrong one may have led to where they stay."""
        self.model = model
        self._reset()
        self._sites[:] = 0.0
        self.refine(sweeps)

    def _rebase(self) -> None:
        """Move the base to the mean, take the posterior's own axes, and leave out rows that tell nothing."""
        root = np.linalg.cholesky((self._C + self._C.T) / 2)
        active = self._active
        if self.n > GROWTH * self._looked_at:
            active, self._looked_at = np.arange(self.n), self.n
        self._base, self._axes = self.mean, self._axes @ root
        moved = self._rows[active] @ self.mean - self._sites[0, active]
        self._sites[2, active] -= self._sites[1, active] * moved
        self._sites[0, active] += moved
        B = self._whitened[active] = self._rows[active] @ self._axes
        near = self._sites[0, active] < FAR * np.sqrt(np.einsum("ij,ij->i", B, B) + self.model.spread**2)
        keep = near | (self._sites[1, active] > 0) | (self._sites[2, active] != 0)
        self._active = active[keep]
        self._u, self._C = np.zeros(self.d), np.eye(self.d)

    def learn_rho(self, prior: tuple[float, float] = PRIOR_RHO) -> None:
        """One step of expectation maximisation for the share of wrong signs, by its Beta ``prior``."""
        B, (offset, precision, shift) = self._whitened[self._active], self._sites[:, self._active]
        v = np.maximum(np.einsum("ij,ij->i", B @ self._C, B), TINY)
        cavity = 1 / np.maximum(1 / v - precision, 1e-3 / v)
        right = ndtr((offset + cavity * (B @ self._u / v - shift)) / np.sqrt(cavity))
        rho, (a, b) = self.model.rho, prior
        wrong = float((rho * (1 - right) / (rho * (1 - right) + (1 - rho) * right)).sum())
        self.model = attrs.evolve(self.model, rho=min((a + wrong) / (a + b + self.n), LARGEST))

    def error(self, metric: FloatArray) -> float:
        """The root mean square of the angle to the mean, where <w, metric w> is the square of a length."""
        across = metric @ self.mean
        size = float(self.mean @ across)
        if size <= 0:
            return np.inf
        F = self.root - np.multiply.outer(self.mean, across @ self.root) / size
        total = float(np.sum((metric @ F) * F))
        return float(np.sqrt(max(total, 0.0) / size))

    @property
    def root(self) -> FloatArray:
        """A square root of the covariance, shape (d, d): root root' is ``cov``, but for less rounding."""
        return np.asarray(self._axes @ np.linalg.cholesky((self._C + self._C.T) / 2))

    @property
    def rows(self) -> FloatArray:
        """All rows that were added, shape (n, d)."""
        return self._rows[: self.n]

    @property
    def axes(self) -> FloatArray:
        """Directions of w in which the posterior was about standard normal when it was last refined, shape (d, d)."""
        return self._axes
