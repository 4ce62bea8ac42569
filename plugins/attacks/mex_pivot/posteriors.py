"""The posteriors of the ratios when answers may be wrong: many Bayesian bisections at once."""

from __future__ import annotations

import math

import numpy as np

from mex.types import Array, BoolArray, FloatArray
from mex_pivot.answer_model import AnswerModel
from mex_pivot.prior import LOG_WEIGHT, NODES, cell_masses, normalised
from mex_pivot.window import Window

_POSITIVE = np.concatenate([0.02 * 1.4 ** np.arange(26), 100 * 4.0 ** np.arange(1, 8)])
GRID = np.concatenate([-_POSITIVE[::-1], _POSITIVE])
"""The bounds of the grid cells, on which the prior is taken for constant."""

UNIFORM_SHARE = 0.01
"""Prior weight of a uniform mixture over the grid cells, whatever s: weights need not look like a normal sample."""

NEGLIGIBLE = 1e-7
"""Neighbouring cells that have less mass each are merged when the tables are full."""

COLUMNS = 32
"""The width of the tables is a multiple of this."""

UNUSED = 1e9
"""The count of wrong answers of a cell that is not in use, so that its mass is 0."""


class Posteriors:
    """The posteriors of m ratios under answers that are wrong with probability ``rho``.

    The tables have a row per ratio, with a column per cell between the points asked: its bounds, its prior mass, and
    how many answers are wrong if the ratio is in it. The posterior mass is prior rho^wrong (1 - rho)^(n - wrong), up
    to a constant, for any ``rho``. Asking medians is probabilistic bisection (Horstein 1963).

    Attributes:
        learning: whether :meth:`learn_scale` may be called; not after :meth:`stop_learning`.

    >>> posteriors, rng = Posteriors(1, 0.2), np.random.default_rng(0)
    >>> for _ in range(150):
    ...     t = posteriors.quantile(np.array([0]), 0.5)
    ...     posteriors.tell(np.array([0]), AnswerModel(t), (t < 0.7) != (rng.random(1) < 0.2))
    >>> posteriors.quantile(np.array([0]), 0.5).round(6)
    array([0.7])
    """

    def __init__(self, m: int, rho: float) -> None:
        self.learning = True
        self._rho = rho
        n, width = len(GRID) - 1, len(GRID) + COLUMNS
        self._cell_masses = (1 - UNIFORM_SHARE) * cell_masses(GRID) + UNIFORM_SHARE / n
        self._grid_prior = np.tile(self._cell_masses @ normalised(LOG_WEIGHT), (m, 1))  # of each grid cell
        self._used = np.full(m, n)  # how many columns each row uses
        self._asked = np.zeros(m)  # how many answers each row has
        self._edges: FloatArray = np.full((m, width + 1), GRID[-1])
        self._edges[:, : n + 1] = GRID
        self._prior: FloatArray = np.zeros((m, width))
        self._prior[:, :n] = self._grid_prior
        self._wrong: FloatArray = np.full((m, width), UNUSED)
        self._wrong[:, :n] = 0.0
        self._mass = self._posterior(self._prior, self._wrong)

    def set_rho(self, rho: float) -> None:
        """Change the probability of a wrong answer, for all answers so far."""
        self._rho = rho
        self._mass = self._posterior(self._prior, self._wrong)

    @property
    def wrong_share(self) -> float:
        """The posterior mean of the share of wrong answers; 0 before the first answer."""
        return float((self._mass * np.where(self._mass > 0, self._wrong, 0)).sum() / max(self._asked.sum(), 1))

    def log_evidence(self, rhos: FloatArray) -> FloatArray:
        """The log probability of all answers, up to a constant, for each rate of wrong answers, shape (k,)."""
        per_wrong = np.log((1 - rhos) / rhos)
        fewest = self._wrong.min(axis=1, keepdims=True)
        more = self._wrong - fewest
        fit = np.array([np.log((self._prior * np.exp(-p * more)).sum(axis=1)).sum() for p in per_wrong])
        return np.asarray(fit - per_wrong * fewest.sum() + np.log1p(-rhos) * self._asked.sum())

    @property
    def _per_wrong(self) -> float:
        """What one more wrong answer takes off the log likelihood."""
        return math.log((1 - self._rho) / self._rho)

    def _likelihood(self, wrong: FloatArray) -> FloatArray:
        """The likelihood of each cell relative to the largest of its row."""
        return np.asarray(np.exp(-self._per_wrong * (wrong - wrong.min(axis=1, keepdims=True))))

    def _posterior(self, prior: FloatArray, wrong: FloatArray) -> FloatArray:
        mass = prior * self._likelihood(wrong)
        return np.asarray(mass / mass.sum(axis=1, keepdims=True))

    def quantile(self, rows: Array, share: float) -> FloatArray:
        """The ``share`` quantile of the posterior of each of ``rows``, shape (n,)."""
        below, at = np.cumsum(self._mass[rows], axis=1), np.arange(len(rows))
        i = np.minimum((below < share).sum(axis=1), self._used[rows] - 1)
        mass = self._mass[rows, i]
        part = (share - below[at, i] + mass) / np.maximum(mass, 1e-300)
        low, high = self._edges[rows, i], self._edges[rows, i + 1]
        return np.asarray(low + np.clip(part, 0.001, 0.999) * (high - low))

    def tell(self, rows: Array, model: AnswerModel, yes: BoolArray) -> None:
        """Take an answer about each of ``rows``; the cell that ``model.t`` is in is split there."""
        if self._used[rows].max() == self._prior.shape[1]:
            self._merge_cells()
        edges, prior, wrong = self._edges[rows], self._prior[rows], self._wrong[rows]
        at, column = np.arange(len(rows)), np.arange(edges.shape[1])
        i = np.clip((edges <= model.t[:, None]).sum(axis=1) - 1, 0, self._used[rows] - 1)
        low, high = edges[at, i], edges[at, i + 1]
        part = np.divide(model.t - low, high - low, out=np.full(len(rows), 0.5), where=high > low)
        moved = column - (column > i[:, None])
        edges = np.take_along_axis(edges, moved, axis=1)
        edges[at, i + 1] = model.t
        prior, wrong = (np.take_along_axis(table, moved[:, :-1], axis=1) for table in (prior, wrong))
        prior[at, i + 1] = prior[at, i] * (1 - part)
        prior[at, i] *= part
        right = model.probability((edges[:, 1:] + edges[:, :-1]) / 2)
        right = np.where(yes[:, None], right, 1 - right)
        # The count of wrong answers, in general a fraction, with the likelihood rho + (1 - 2 rho) right.
        wrong += (math.log(1 - self._rho) - np.log(self._rho + (1 - 2 * self._rho) * right)) / self._per_wrong
        self._edges[rows] = edges
        self._prior[rows] = prior
        self._wrong[rows] = wrong
        self._mass[rows] = self._posterior(prior, wrong)
        self._used[rows] += 1
        self._asked[rows] += 1

    def learn_scale(self) -> float:
        """Update the priors by what all answers tell of s, and return the posterior mean of s.

        The prior of each ratio becomes the mixture over the posterior of s given the answers about the other ratios.
        """
        m, n = self._grid_prior.shape
        cell = self._grid_cell()
        share = self._prior / np.take_along_axis(self._grid_prior, cell, axis=1)
        at = (cell + n * np.arange(m)[:, None]).ravel()
        likelihood = np.bincount(at, (share * self._likelihood(self._wrong)).ravel(), m * n).reshape(m, n)
        evidence = likelihood @ self._cell_masses
        weight = normalised(LOG_WEIGHT + np.log(evidence).sum(axis=0))
        prior = (weight / evidence) @ self._cell_masses.T
        self._grid_prior = prior / prior.sum(axis=1, keepdims=True)
        self._prior = share * np.take_along_axis(self._grid_prior, cell, axis=1)
        self._mass = self._posterior(self._prior, self._wrong)
        return float(weight @ NODES)

    def stop_learning(self) -> None:
        """Keep the priors as they are from now on, which allows cells of different grid cells to be merged."""
        self.learning = False
        self._merge_cells()

    def _grid_cell(self) -> Array:
        """The grid cell that each cell is part of, shape (m, cells)."""
        middle = (self._edges[:, 1:] + self._edges[:, :-1]) / 2
        cell = np.searchsorted(GRID, middle.ravel()).reshape(middle.shape) - 1
        return np.asarray(np.clip(cell, 0, len(GRID) - 2))

    def _merge_cells(self) -> None:
        """Merge neighbouring cells of negligible mass, and give the tables the width that is needed."""
        m, width = self._prior.shape
        small = self._mass < NEGLIGIBLE
        in_use = np.arange(width) < self._used[:, None]
        merged = np.zeros((m, width), dtype=bool)
        merged[:, 1:] = small[:, 1:] & small[:, :-1]
        if self.learning:
            merged[:, 1:] &= np.diff(self._grid_cell(), axis=1) == 0
        first = np.flatnonzero(~merged[in_use])
        self._used = (in_use & ~merged).sum(axis=1)
        wide = COLUMNS * math.ceil(1.25 * (self._used.max() + 1) / COLUMNS)
        now_in_use = np.arange(wide) < self._used[:, None]
        prior, wrong = np.zeros((m, wide)), np.full((m, wide), UNUSED)
        before = np.maximum(self._prior[in_use], 1e-300)
        prior[now_in_use] = np.add.reduceat(before, first)
        # The mean likelihood of merged cells, relative to the best of them to avoid underflow.
        fewest = np.minimum.reduceat(self._wrong[in_use], first)
        more = self._wrong[in_use] - np.repeat(fewest, np.diff(first, append=len(before)))
        likely = np.add.reduceat(before * np.exp(-self._per_wrong * more), first)
        wrong[now_in_use] = fewest + np.log(prior[now_in_use] / likely) / self._per_wrong
        edges = np.full((m, wide + 1), GRID[-1])
        edges[:, :-1][now_in_use] = self._edges[:, :-1][in_use][first]
        self._edges = edges
        self._prior = prior
        self._wrong = wrong
        self._mass = self._posterior(prior, wrong)

    def window(self, rows: Array, centre: FloatArray, half: FloatArray) -> Window:
        """Integrals over the posteriors of ``rows`` within ``half`` of ``centre``, and the masses beyond."""
        return Window.of(self._edges[rows] - centre[:, None], self._mass[rows], half)
