"""Which row to ask next: the one whose label the posterior is least sure of, as long as the answers leave it open."""

from __future__ import annotations

import attrs
import numpy as np
from scipy.special import ndtr

from mex.knowledge import Knowledge
from mex.toolkit.bayes_point.all_rows import MOST, AllRows, count
from mex.toolkit.bayes_point.population import Population, told_of_others
from mex.toolkit.bayes_point.posterior import Posterior
from mex.toolkit.bayes_point.scores import Scores
from mex.toolkit.bayes_point.search import RowSearch
from mex.toolkit.bayes_point.version_space import VersionSpace
from mex.types import BoolArray, FloatArray

NEAR = 0.3
"""The z below which a row near the data is asked rather than any other."""
EARLY = 3
"""For how many answers for each weight the row is asked that tells most of others: a search that is cut short is to be
right on most rows, not to know each weight."""
OTHERS = 256
"""How many random rows these are, and are chosen from beside those found by a search."""
DRAWN = 300
"""Rows near the data to choose from."""
SURE = 4.5
"""The z above which a label counts as known where no program says so."""
DOUBTFUL = 0.5
"""The z above which, if labels are right, a row is asked only where the answers leave its label open."""
ALMOST = 1.0
"""The z above which single changes are not enough, and pairs of them are tried."""
SEARCHES = 4
"""How many searches in vain there are before many random rows, and the corners of the version space, are looked at."""
SHORTLIST = 256
"""How many of all rows, those least sure, are looked at closely; four times as many as long as none is open."""
LAST, CLOSELY = 4096, 64
"""How many random rows are looked at when searches find none, and how many of them, those least sure, closely."""
SAID = 20_000
"""From how many random rows it is told how many may be mislabelled: most of that is of few rows near the boundary."""
LEFT = 2.5e-5
"""The expected share of wrong labels of random rows at which a search for more ends, if answers may be wrong."""


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
        exact: whether labels are right and so many that rows are asked only if their label is open.
        search: for rows at even odds.
        widths: how far the boundary may have been off at each row found but those near data (:attr:`.Odds.width`).
    """

    def __init__(
        self, known: Knowledge, scores: Scores, posterior: Posterior, settings: Settings, rng: np.random.Generator
    ) -> None:
        self.exact = False
        self.widths: list[float] = []
        self._known = known
        self._scores = scores
        self._posterior = posterior
        self._settings = settings
        self._rng = rng
        self._asked: set[bytes] = set()
        self._all = AllRows(scores, rng) if count(known.domain) <= MOST else None
        self._population = Population(known.domain, known.pool, rng)
        self.search = RowSearch(known.domain, scores, self._population.pool, settings.starts, rng)

    @property
    def complete(self) -> bool:
        """Whether the domain has so few rows that all of them are looked at."""
        return self._all is not None

    def choose(self) -> FloatArray:
        """The next batch, shape (n, n_features): empty if no row is left to ask."""
        mean, cov = self._posterior.mean, self._posterior.cov
        rows: list[FloatArray] = []
        while len(rows) < self._settings.batch and (row := self._one(mean, cov)) is not None:
            self.mark(row)
            rows.append(row)
            if len(rows) < self._settings.batch:
                cov = self._scores.after_answer(row, mean, cov)
        return np.array(rows).reshape(len(rows), self._known.domain.n_features)

    def expected_wrong(self) -> float:
        """The share of the rows of the domain whose label is expected to be another than at the posterior mean."""
        X = self._known.domain.sample(SAID, self._rng)
        return _expected_wrong(self._scores.odds_of(X, self._posterior.mean, self._posterior.cov).z)

    def mark(self, row: FloatArray) -> None:
        """A row that is not to be asked, or not again."""
        self._asked.add(row.tobytes())
        if self._all:
            self._all.discard(row)

    def _one(self, mean: FloatArray, cov: FloatArray) -> FloatArray | None:
        row = self._telling(mean, cov) if len(self._asked) < EARLY * self._scores.d else None
        if row is not None:
            return row
        if self._population.pool is not None and self._rng.random() < self._settings.near:
            X = self._population.draw(DRAWN, 1)
            odds = self._scores.odds_of(X, mean, cov)
            best = int(np.argmax(odds.worth))
            if odds.z[best] < NEAR and X[best].tobytes() not in self._asked:
                return np.asarray(X[best])
        row = self._of_all(self._all, mean, cov) if self._all else self._by_search(mean, cov)
        if row is not None:
            self.widths.append(float(self._scores.odds_of(row[None], mean, cov).width[0]))
        return row

    def _telling(self, mean: FloatArray, cov: FloatArray) -> FloatArray | None:
        """The row whose answer tells most of others; None if that label may follow from the answers."""
        X = self._population.draw(OTHERS, self._settings.near)
        X = np.concatenate([X, self.search.run_from(X, mean, cov)[0]])
        P = self._scores.encoding.encode(X)
        told = told_of_others(self._scores, P, P[:OTHERS], mean, cov)
        told[[row.tobytes() in self._asked for row in X]] = -1.0
        row = X[[np.argmax(told)]]
        if told.max() < 0:
            return None
        odds = self._scores.odds_of(row, mean, cov)
        if odds.z[0] > (DOUBTFUL if self.exact else SURE):
            return None
        self.widths.append(float(odds.width[0]))
        return np.asarray(row[0])

    def _of_all(self, rows: AllRows, mean: FloatArray, cov: FloatArray) -> FloatArray | None:
        """The row to ask of all there are; None if their labels follow from the answers, or are sure."""
        few = SHORTLIST
        while rows.left:
            listed = rows.least_sure(mean, cov, few)
            odds = self._scores.odds_of(rows.X[listed], mean, cov)
            order = np.argsort(-odds.worth, kind="stable")
            listed, best = listed[order], int(order[0])
            if not self.exact:
                return np.asarray(rows.X[listed[0]]) if odds.z[best] <= SURE else None
            if odds.z[best] <= DOUBTFUL:
                return np.asarray(rows.X[listed[0]])
            implied, first = self._settle(rows.X[listed])
            rows.discard_all(listed[implied])
            if first is not None:
                return np.asarray(rows.X[listed[first]])
            few *= 4
        return None

    def _settle(self, X: FloatArray) -> tuple[BoolArray, int | None]:
        """Which rows have the label at the mean by all weights of the version space, and the first whose label is open.

        As :meth:`.VersionSpace.settle`, of the lead of the likeliest class over each other one.
        """
        rivals = self._scores.k - 1
        V = self._scores.leads(self._scores.encoding.encode(X), self._posterior.mean)
        implied, first = VersionSpace(self._posterior).settle(V)
        return np.asarray(implied.reshape(-1, rivals).all(axis=1)), None if first is None else first // rivals

    def _by_search(self, mean: FloatArray, cov: FloatArray) -> FloatArray | None:
        for _ in range(SEARCHES):
            X, z = self.search.run(mean, cov, pairs_from=ALMOST if self.exact else np.inf)
            new = np.array([row.tobytes() not in self._asked for row in X])
            X, z = X[new], z[new]
            if not len(X) or (not self.exact and z[0] > SURE):
                continue
            if not self.exact or z[0] <= DOUBTFUL:
                return np.asarray(X[0])
            implied, first = self._settle(X)
            for row in X[implied]:
                self.mark(row)
            if first is not None:
                return np.asarray(X[first])
        row = self._of_random(mean, cov)
        if row is None and self.exact:
            return self.search.corner(VersionSpace(self._posterior), self._asked)
        return row

    def _of_random(self, mean: FloatArray, cov: FloatArray) -> FloatArray | None:
        """One of many random rows whose label is open, or not known well enough; None if there is none."""
        X = self._population.draw(LAST, 0.5)
        odds = self._scores.odds_of(X, mean, cov)
        if not self.exact and max(map(_expected_wrong, np.split(odds.z, 2))) <= LEFT:
            return None
        best = np.argsort(odds.z if self.exact else -odds.worth, kind="stable")
        X = X[[i for i in best[:SHORTLIST] if X[i].tobytes() not in self._asked][:CLOSELY]]
        if not self.exact or not len(X):
            return np.asarray(X[0]) if len(X) else None
        first = self._settle(X)[1]
        return None if first is None else np.asarray(X[first])


def _expected_wrong(z: FloatArray) -> float:
    return float(ndtr(-z).mean())
