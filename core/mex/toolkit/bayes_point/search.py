"""Searches for a row whose label is at even odds, from random rows and rows of the pool."""

from __future__ import annotations

import numpy as np

from mex.domain import Domain
from mex.toolkit.bayes_point.climb import Climb
from mex.toolkit.bayes_point.pairs import after_best_pair
from mex.toolkit.bayes_point.scores import Scores
from mex.toolkit.bayes_point.version_space import VersionSpace
from mex.types import FloatArray

TRIED = 4
"""From how many rows each start of a search is chosen."""
CORNERS = 16
"""How many corners of the version space are looked for at most."""
OFF = 1e3
"""How far off the posterior mean corners are looked for from, in standard deviations."""
DRAWN, BEYOND_DOUBT = 4096, 2.5
"""How many random rows those just beyond doubt are chosen from, and the z from which on a label is."""
CORNER = 0.98
"""A row is open for certain if its score has two signs at two corners, well inside."""


class RowSearch:
    """Searches from the best of some rows, as many as there are ``starts``.

    Args:
        domain: the domain, bounded.
        scores: of the classes.
        pool: rows like the data, or None.
        starts: how many rows to climb from.
        rng: for these.
    """

    def __init__(
        self, domain: Domain, scores: Scores, pool: FloatArray | None, starts: int, rng: np.random.Generator
    ) -> None:
        self._domain = domain
        self._scores = scores
        self._pool = pool
        self._starts = starts
        self._rng = rng
        self._climb = Climb(scores.encoding)

    def run(self, mean: FloatArray, cov: FloatArray, pairs_from: float) -> tuple[FloatArray, FloatArray]:
        """Rows found from random ones, the best first, and their z; pairs of changes are made if no z is small."""
        X = self._domain.sample(TRIED * self._starts, self._rng)
        if self._pool is not None:
            X[::2] = self._pool[self._rng.integers(len(self._pool), size=len(X[::2]))]
        return self.run_from(X, mean, cov, pairs_from)

    def run_from(
        self, X: FloatArray, mean: FloatArray, cov: FloatArray, pairs_from: float = np.inf
    ) -> tuple[FloatArray, FloatArray]:
        """Rows found from the best of some, shape (n, n_features)."""
        odds = self._scores.odds_of(X, mean, cov)
        best = np.argsort(-odds.worth, kind="stable")[: self._starts]
        belief = self._scores.belief(mean, cov, int(odds.first[best[0]]), int(odds.second[best[0]]))
        X = self._climb.run(X[best], belief)
        odds = self._scores.odds_of(X, mean, cov)
        if odds.z[np.argmax(odds.worth)] > pairs_from:
            X = self._climb.run(after_best_pair(self._scores.encoding, X, belief.mean), belief)
            odds = self._scores.odds_of(X, mean, cov)
        order = np.argsort(-odds.worth, kind="stable")
        return X[order], odds.z[order]

    def just_sure(self, mean: FloatArray, cov: FloatArray, n: int) -> FloatArray:
        """At most ``n`` random rows whose label is known, but of those the least sure, shape (n, n_features)."""
        X = self._domain.sample(DRAWN, self._rng)
        z = self._scores.odds_of(X, mean, cov).z
        order = np.argsort(z, kind="stable")
        return np.asarray(X[order[z[order] > BEYOND_DOUBT][:n]])

    def corner(self, space: VersionSpace, asked: set[bytes]) -> FloatArray | None:
        """A row with two signs at two corners of the version space, though the posterior is sure of it."""
        for _ in range(CORNERS):
            t = OFF * self._rng.standard_normal(self._scores.d)
            ends = space.nearest(t), space.nearest(-t)
            if ends[0] is None or ends[1] is None:
                continue
            middle, half = (ends[0] + ends[1]) / 2, (ends[0] - ends[1]) / 2
            X, z = self.run(middle, np.multiply.outer(half, half), pairs_from=0.0)
            for row, sure in zip(X, z, strict=True):
                if sure < CORNER and row.tobytes() not in asked:
                    return np.asarray(row)
        return None
