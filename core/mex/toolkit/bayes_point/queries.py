"""Which row to ask next: the one whose label the posterior is least sure of, as long as the answers leave it open."""

from __future__ import annotations

import attrs
import numpy as np

from mex.knowledge import Knowledge
from mex.toolkit.bayes_point.open_rows import OpenRows, expected_wrong
from mex.toolkit.bayes_point.population import Population, told_of_others
from mex.toolkit.bayes_point.posterior import Posterior
from mex.toolkit.bayes_point.scores import Scores
from mex.toolkit.bayes_point.search import RowSearch
from mex.types import FloatArray

NEAR = 0.3
"""The z below which a row near the data is asked rather than any other."""
EARLY = 3
"""For how many answers for each weight the row is asked that tells most of others: a search that is cut short is to be
right on most rows, not to know each weight."""
OTHERS = 256
"""How many random rows these are, and are chosen from beside those found by a search."""
DRAWN = 300
"""Rows near the data to choose from."""
SAID = 20_000
"""From how many random rows it is told how many may be mislabelled: most of that is of few rows near the boundary."""


@attrs.frozen(kw_only=True)
class Settings:
    """The parameters of the attack ``bayes-point``, which says what they are."""

    eps: float = 1e-4
    near: float = 0.5
    batch: int = 1
    certify: bool = True
    starts: int = 8


class Queries:
    """Chooses rows of a bounded domain; none twice.

    Args:
        known: what the attacker knows, its domain bounded.
        scores: of the classes.
        posterior: of their weights.
        settings: the parameters.
        rng: for the rows that a search starts from.

    Attributes:
        search: for rows at even odds.
        open: finds rows whose label is open.
        widths: how far the boundary may have been off at each row (:attr:`.Odds.width`), but late ones near the data.
    """

    def __init__(
        self, known: Knowledge, scores: Scores, posterior: Posterior, settings: Settings, rng: np.random.Generator
    ) -> None:
        self.widths: list[float] = []
        self._known = known
        self._scores = scores
        self._posterior = posterior
        self._settings = settings
        self._rng = rng
        self._population = Population(known.domain, known.pool, rng)
        self.search = RowSearch(known.domain, scores, self._population.pool, settings.starts, rng)
        self.open = OpenRows(known.domain, scores, posterior, self._population, self.search, rng)

    def choose(self) -> FloatArray:
        """The next batch, shape (n, n_features): empty if no row is left to ask."""
        mean, cov = self._posterior.mean, self._posterior.cov
        rows: list[FloatArray] = []
        while len(rows) < self._settings.batch and (row := self._one(mean, cov)) is not None:
            self.open.mark(row)
            rows.append(row)
            if len(rows) < self._settings.batch:
                cov = self._scores.after_answer(row, mean, cov)
        return np.array(rows).reshape(len(rows), self._known.domain.n_features)

    def expected_wrong(self) -> float:
        """The share of the rows of the domain whose label is expected to be another than at the posterior mean."""
        X = self._known.domain.sample(SAID, self._rng)
        return expected_wrong(self._scores.odds_of(X, self._posterior.mean, self._posterior.cov).z)

    def _one(self, mean: FloatArray, cov: FloatArray) -> FloatArray | None:
        row = self._telling(mean, cov) if len(self.open.asked) < EARLY * self._scores.d else None
        if row is not None:
            return row
        if self._population.pool is not None and self._rng.random() < self._settings.near:
            X = self._population.draw(DRAWN, 1)
            odds = self._scores.odds_of(X, mean, cov)
            best = int(np.argmax(odds.worth))
            if odds.z[best] < NEAR and X[best].tobytes() not in self.open.asked:
                return np.asarray(X[best])
        row = self.open.find(mean, cov)
        if row is not None:
            self.widths.append(float(self._scores.odds_of(row[None], mean, cov).width[0]))
        return row

    def _telling(self, mean: FloatArray, cov: FloatArray) -> FloatArray | None:
        """The row whose answer tells most of others; None if that label may follow from the answers."""
        X = self._population.draw(OTHERS, self._settings.near)
        X = np.concatenate([X, self.search.run_from(X, mean, cov)[0]])
        P = self._scores.encoding.encode(X)
        told = told_of_others(self._scores, P, P[:OTHERS], mean, cov)
        told[[row.tobytes() in self.open.asked for row in X]] = -1.0
        row = X[[np.argmax(told)]]
        if told.max() < 0:
            return None
        odds = self._scores.odds_of(row, mean, cov)
        if odds.z[0] > self.open.doubtful:
            return None
        self.widths.append(float(odds.width[0]))
        return np.asarray(row[0])
