"""Many one-dimensional Bayesian bisections at once, with answers that may be wrong."""

from __future__ import annotations

import math

import attrs
import numpy as np
from scipy.special import ndtr

from mex.types import Array, BoolArray, FloatArray
from mex_pivot.prior import LOG_WEIGHT, NODES, cell_masses, normalised

_POSITIVE = np.concatenate([0.02 * 1.4 ** np.arange(26), 100 * 4.0 ** np.arange(1, 8)])
GRID = np.concatenate([-_POSITIVE[::-1], _POSITIVE])
"""Bounds of the cells on which the prior counts as constant."""

ANYWHERE = 0.01
"""Prior probability that a ratio is of any magnitude, whatever s: weights need not look like a normal sample."""

NEGLIGIBLE = 1e-7
"""Neighbouring cells with less mass than this are merged when room is needed."""

ROOM = 32
"""Columns that the tables grow by."""

NEVER = 1e9
"""The count of wrong answers of a cell that is not in use."""


@attrs.frozen(eq=False)
class Step:
    """How an answer depends on one ratio v: "yes" is right with P = yes + (1 - yes - no) Phi(side (v - t) / blur).

    Without ``blur`` the step is sharp, as for a query about v alone; other ratios that have a part in a
    query blur it, and are outliers that force its answer with probabilities ``yes`` and ``no``.
    Each has shape (n,), one entry for each ratio asked.
    """

    t: FloatArray
    side: FloatArray | None = None
    blur: FloatArray | None = None
    yes: FloatArray | None = None
    no: FloatArray | None = None

    def chance(self, v: FloatArray) -> FloatArray:
        """The probability that "yes" is right at the ratios ``v``, shape (n, cells)."""
        if self.side is None or self.blur is None or self.yes is None or self.no is None:
            return np.asarray(v > self.t[:, None], dtype=np.float64)
        offset = self.side[:, None] * (v - self.t[:, None])
        sharp = self.blur[:, None] == 0
        rise = np.where(sharp, offset > 0, ndtr(offset / np.where(sharp, 1.0, self.blur[:, None])))
        return np.asarray(self.yes[:, None] + (1 - self.yes - self.no)[:, None] * rise)


@attrs.frozen(eq=False)
class Window:
    """Moments of a posterior about the centre of a window, from inside it, and its masses, each of shape (n,)."""

    inside: FloatArray
    first: FloatArray
    second: FloatArray
    fourth: FloatArray
    left: FloatArray
    right: FloatArray


class Posteriors:
    """The posteriors of m ratios under answers that are wrong with probability ``rho``.

    A row holds the cells between the points asked: their bounds, their prior masses and how many answers
    are wrong if the ratio is in them, so that the posterior mass is prior rho^wrong (1 - rho)^(n - wrong)
    up to a constant, for any ``rho``. Asking medians is Horstein's probabilistic bisection.

    Attributes:
        learning: whether :meth:`learn_scale` may be called, until :meth:`settle` is.

    >>> search, rng = Posteriors(1, 0.2), np.random.default_rng(0)
    >>> for _ in range(150):
    ...     t = search.quantile(np.array([0]), 0.5)
    ...     search.tell(np.array([0]), Step(t), (t < 0.7) != (rng.random(1) < 0.2))
    >>> search.quantile(np.array([0]), 0.5).round(6)
    array([0.7])
    """

    def __init__(self, m: int, rho: float) -> None:
        self.learning = True
        self._rho = rho
        n, width = len(GRID) - 1, len(GRID) + ROOM
        self._cell_masses = (1 - ANYWHERE) * cell_masses(GRID) + ANYWHERE / n
        self._prior_of_cell = np.tile(self._cell_masses @ normalised(LOG_WEIGHT), (m, 1))
        self._edges, self._prior = np.full((m, width + 1), GRID[-1]), np.zeros((m, width))
        self._wrong, self._used, self._asked = np.full((m, width), NEVER), np.full(m, n), np.zeros(m)
        self._edges[:, : n + 1], self._prior[:, :n], self._wrong[:, :n] = GRID, self._prior_of_cell, 0.0
        self._mass = self._posterior(self._prior, self._wrong)

    def assume(self, rho: float) -> None:
        """Weigh all answers so far anew, with another probability that they are wrong."""
        self._rho = rho
        self._mass = self._posterior(self._prior, self._wrong)

    @property
    def wrong_share(self) -> float:
        """The posterior mean of the share of wrong answers, 0 before any."""
        return float((self._mass * np.where(self._mass > 0, self._wrong, 0)).sum() / max(self._asked.sum(), 1))

    def log_evidence(self, rhos: FloatArray) -> FloatArray:
        """Log probability of all answers for each rate of wrong ones, shape (k,), up to a constant."""
        per_wrong = np.log((1 - rhos) / rhos)
        fewest = self._wrong.min(axis=1, keepdims=True)
        more = self._wrong - fewest
        fit = np.array([np.log((self._prior * np.exp(-p * more)).sum(axis=1)).sum() for p in per_wrong])
        return np.asarray(fit - per_wrong * fewest.sum() + np.log1p(-rhos) * self._asked.sum())

    @property
    def _per_wrong(self) -> float:
        return math.log((1 - self._rho) / self._rho)

    def _likelihood(self, wrong: FloatArray) -> FloatArray:
        return np.asarray(np.exp(-self._per_wrong * (wrong - wrong.min(axis=1, keepdims=True))))

    def _posterior(self, prior: FloatArray, wrong: FloatArray) -> FloatArray:
        mass = prior * self._likelihood(wrong)
        return np.asarray(mass / mass.sum(axis=1, keepdims=True))

    def quantile(self, rows: Array, share: float) -> FloatArray:
        """The point with that share of the posterior of each of ``rows`` below it, shape (n,)."""
        below, at = np.cumsum(self._mass[rows], axis=1), np.arange(len(rows))
        i = np.minimum((below < share).sum(axis=1), self._used[rows] - 1)
        mass = self._mass[rows, i]
        part = (share - below[at, i] + mass) / np.maximum(mass, 1e-300)
        low, high = self._edges[rows, i], self._edges[rows, i + 1]
        return np.asarray(low + np.clip(part, 0.001, 0.999) * (high - low))

    def tell(self, rows: Array, step: Step, yes: BoolArray) -> None:
        """Take the answers about ``rows``, each once; the cell that ``step.t`` is in is cut there."""
        if self._used[rows].max() == self._prior.shape[1]:
            self._make_room()
        edges, prior, wrong = self._edges[rows], self._prior[rows], self._wrong[rows]
        at, column = np.arange(len(rows)), np.arange(edges.shape[1])
        i = np.clip((edges <= step.t[:, None]).sum(axis=1) - 1, 0, self._used[rows] - 1)
        low, high = edges[at, i], edges[at, i + 1]
        part = np.divide(step.t - low, high - low, out=np.full(len(rows), 0.5), where=high > low)
        moved = column - (column > i[:, None])
        edges = np.take_along_axis(edges, moved, axis=1)
        edges[at, i + 1] = step.t
        prior, wrong = (np.take_along_axis(table, moved[:, :-1], axis=1) for table in (prior, wrong))
        prior[at, i + 1] = prior[at, i] * (1 - part)
        prior[at, i] *= part
        right = step.chance((edges[:, 1:] + edges[:, :-1]) / 2)
        right = np.where(yes[:, None], right, 1 - right)
        # As many wrong answers, in part, as explain the likelihood rho + (1 - 2 rho) right.
        wrong += (math.log(1 - self._rho) - np.log(self._rho + (1 - 2 * self._rho) * right)) / self._per_wrong
        self._edges[rows], self._prior[rows], self._wrong[rows] = edges, prior, wrong
        self._mass[rows] = self._posterior(prior, wrong)
        self._used[rows] += 1
        self._asked[rows] += 1

    def learn_scale(self) -> float:
        """Take from all answers what they tell of s, and return its posterior mean.

        Each ratio's prior is the mixture over s that the answers about the others leave.
        """
        m, n = self._prior_of_cell.shape
        cell = self._grid_cell()
        share = self._prior / np.take_along_axis(self._prior_of_cell, cell, axis=1)
        at = (cell + n * np.arange(m)[:, None]).ravel()
        likelihood = np.bincount(at, (share * self._likelihood(self._wrong)).ravel(), m * n).reshape(m, n)
        evidence = likelihood @ self._cell_masses
        weight = normalised(LOG_WEIGHT + np.log(evidence).sum(axis=0))
        prior = (weight / evidence) @ self._cell_masses.T
        self._prior_of_cell = prior / prior.sum(axis=1, keepdims=True)
        self._prior = share * np.take_along_axis(self._prior_of_cell, cell, axis=1)
        self._mass = self._posterior(self._prior, self._wrong)
        return float(weight @ NODES)

    def settle(self) -> None:
        """Stop learning s: the prior is as good as constant where the posteriors are by now."""
        self.learning = False
        self._make_room()

    def _grid_cell(self) -> Array:
        """Which cell of the grid each cell is part of, shape (m, cells)."""
        middle = (self._edges[:, 1:] + self._edges[:, :-1]) / 2
        cell = np.searchsorted(GRID, middle.ravel()).reshape(middle.shape) - 1
        return np.asarray(np.clip(cell, 0, len(GRID) - 2))

    def _make_room(self) -> None:
        """Merge neighbouring cells of negligible mass and make the tables as wide as it takes."""
        m, width = self._prior.shape
        small = self._mass < NEGLIGIBLE
        in_use = np.arange(width) < self._used[:, None]
        merged = np.zeros((m, width), dtype=bool)
        merged[:, 1:] = small[:, 1:] & small[:, :-1]
        if self.learning:
            merged[:, 1:] &= np.diff(self._grid_cell(), axis=1) == 0
        first = np.flatnonzero(~merged[in_use])
        self._used = (in_use & ~merged).sum(axis=1)
        wide = ROOM * math.ceil(1.25 * (self._used.max() + 1) / ROOM)
        now_in_use = np.arange(wide) < self._used[:, None]
        prior, wrong = np.zeros((m, wide)), np.full((m, wide), NEVER)
        before = np.maximum(self._prior[in_use], 1e-300)
        prior[now_in_use] = np.add.reduceat(before, first)
        # The mean likelihood of merged cells, relative to the best of them so that none underflows.
        fewest = np.minimum.reduceat(self._wrong[in_use], first)
        more = self._wrong[in_use] - np.repeat(fewest, np.diff(first, append=len(before)))
        likely = np.add.reduceat(before * np.exp(-self._per_wrong * more), first)
        wrong[now_in_use] = fewest + np.log(prior[now_in_use] / likely) / self._per_wrong
        edges = np.full((m, wide + 1), GRID[-1])
        edges[:, :-1][now_in_use] = self._edges[:, :-1][in_use][first]
        self._edges, self._prior, self._wrong = edges, prior, wrong
        self._mass = self._posterior(prior, wrong)

    def window(self, rows: Array, centre: FloatArray, half: FloatArray) -> Window:
        """What the posteriors of ``rows`` hold within ``half`` of ``centre`` and to either side of that."""
        offset, mass = self._edges[rows] - centre[:, None], self._mass[rows]
        inner = np.clip(offset, -half[:, None], half[:, None])
        width = np.diff(offset, axis=1)
        density = np.divide(mass, width, out=np.zeros_like(mass), where=width > 0)
        power: list[FloatArray] = [inner]
        for _ in range(4):
            power.append(power[-1] * inner)
        inside, first, second, fourth = (
            (density * np.diff(power[k], axis=1)).sum(axis=1) / (k + 1) for k in (0, 1, 2, 4)
        )
        left = (density * np.clip(-half[:, None] - offset[:, :-1], 0, width)).sum(axis=1)
        return Window(inside, first, second, fourth, left, np.maximum(1 - inside - left, 0))
