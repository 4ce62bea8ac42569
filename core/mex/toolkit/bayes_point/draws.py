"""Draws of the posterior of a linear model itself, for which its Gaussian stands."""

from __future__ import annotations

import numpy as np

from mex.toolkit.bayes_point.posterior import Posterior
from mex.toolkit.bayes_point.sites import FAR
from mex.types import FloatArray

FREEDOM = 10
"""The degrees of freedom of the t distribution that proposes: at the length that a chain has. With one Gaussian, an
ellipse through two draws hardly changes it in many dimensions."""
WIDE = 1.25
"""A chain starts with a draw of the Gaussian, so many times as far off its mean: in many dimensions it does not forget
this in so few steps, and this one is about as far off as draws of the posterior are."""
STEPS = 25
"""The steps of each chain."""
TRIES = 8
"""The most points that are tried in a step; if none is taken the chain stays where it is."""


def draw(posterior: Posterior, n: int, rng: np.random.Generator) -> FloatArray:
    """``n`` draws of w given signs that are wrong at the rate of the model, shape (n, d).

    Generalised elliptical slice sampling (Nishihara, Murray and Adams 2014) about the Gaussian of expectation
    propagation, in the coordinates z with w = mean + root z, by as many chains as draws. Rows so far off the boundary
    that they tell nothing are left out. The model of the posterior has no spread.

    >>> posterior, rng = Posterior(2), np.random.default_rng(0)
    >>> posterior.add(np.array([[1.0, 0.1], [-0.2, 1.0], [0.8, -0.7]]))
    >>> posterior.refine()
    >>> bool(np.mean(draw(posterior, 200, rng) @ posterior.rows.T > 0) > 0.99)
    True
    """
    root, rho = posterior.root, max(posterior.model.rho, 1e-9)
    at_mean, slopes = posterior.rows @ posterior.mean, posterior.rows @ root
    near = np.abs(at_mean) < FAR * np.linalg.norm(slopes, axis=1)
    at_mean, slopes = at_mean[near], slopes[near]
    loss = np.log1p(-rho) - np.log(rho)
    across, precision = root.T @ posterior.mean, root.T @ root  # of the prior

    def log_ratio(z: FloatArray) -> FloatArray:
        """The log density of the posterior less that of the t distribution that proposes, shape (k,)."""
        wrong = (z @ slopes.T < -at_mean).sum(axis=1, dtype=np.int32)
        prior = z @ across + np.einsum("ij,ij->i", z @ precision, z) / 2
        proposed = -(FREEDOM + posterior.d) / 2 * np.log1p((z**2).sum(axis=1) / FREEDOM)
        return np.asarray(-prior - loss * wrong - proposed)

    z = WIDE * rng.standard_normal((n, posterior.d))
    level = log_ratio(z)
    for _ in range(STEPS):
        # Each chain moves on the ellipse through its draw and another, on angles that shrink towards its draw.
        scale = (FREEDOM + (z**2).sum(axis=1)) / rng.chisquare(FREEDOM + posterior.d, n)
        other = np.sqrt(scale)[:, None] * rng.standard_normal(z.shape)
        least = level + np.log(rng.random(n))
        high = rng.uniform(0, 2 * np.pi, n)
        low, angle, left = high - 2 * np.pi, high.copy(), np.arange(n)
        for _ in range(TRIES):
            cos, sin = np.cos(angle[left])[:, None], np.sin(angle[left])[:, None]
            z_new = cos * z[left] + sin * other[left]
            level_new = log_ratio(z_new)
            taken = level_new > least[left]
            moved = left[taken]
            z[moved], level[moved] = z_new[taken], level_new[taken]
            left = left[~taken]
            low[left] = np.where(angle[left] < 0, angle[left], low[left])
            high[left] = np.where(angle[left] < 0, high[left], angle[left])
            angle[left] = rng.uniform(low[left], high[left])
    return np.asarray(posterior.mean + z @ root.T)
