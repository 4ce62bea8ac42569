"""The row whose label a posterior is least sure of, as long as the answers leave it open."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from mex.domain import Domain
from mex.toolkit.bayes_point.all_rows import MOST, AllRows, count
from mex.toolkit.bayes_point.population import Population
from mex.toolkit.bayes_point.posterior import Posterior
from mex.toolkit.bayes_point.scores import Scores
from mex.toolkit.bayes_point.search import RowSearch
from mex.toolkit.bayes_point.version_space import VersionSpace
from mex.types import BoolArray, FloatArray

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
LEFT = 2.5e-5
"""The expected share of wrong labels of random rows at which a search for more ends, if answers may be wrong."""


class OpenRows:
    """Finds rows of a bounded domain, by a look at all of them if they are few, else by searches; none twice.

    Args:
        domain: the domain.
        scores: of the classes.
        posterior: of their weights.
        population: random rows.
        search: for rows at even odds.
        rng: for the order of all rows.

    Attributes:
        exact: whether labels are right and so many that rows are found only if their label is open.
        asked: the rows that are not to be found again.
    """

    def __init__(
        self,
        domain: Domain,
        scores: Scores,
        posterior: Posterior,
        population: Population,
        search: RowSearch,
        rng: np.random.Generator,
    ) -> None:
        self.exact = False
        self.asked: set[bytes] = set()
        self._scores = scores
        self._posterior = posterior
        self._population = population
        self._search = search
        self._all = AllRows(scores, rng) if count(domain) <= MOST else None

    @property
    def complete(self) -> bool:
        """Whether the domain has so few rows that all of them are looked at."""
        return self._all is not None

    @property
    def doubtful(self) -> float:
        """The z above which the label of a row may follow from the answers."""
        return DOUBTFUL if self.exact else SURE

    def mark(self, row: FloatArray) -> None:
        """A row that is not to be asked, or not again."""
        self.asked.add(row.tobytes())
        if self._all:
            self._all.discard(row)

    def find(self, mean: FloatArray, cov: FloatArray) -> FloatArray | None:
        """The row to ask by the moments of the weights, shape (n_features,); None if there is none."""
        return self._of_all(self._all, mean, cov) if self._all else self._by_search(mean, cov)

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
        found, sure = [], []
        for _ in range(SEARCHES):
            X, z = self._search.run(mean, cov, pairs_from=ALMOST if self.exact else np.inf)
            new = np.array([row.tobytes() not in self.asked for row in X])
            X, z = X[new], z[new]
            if len(X) and z[0] <= self.doubtful:
                return np.asarray(X[0])
            found.append(X)
            sure.append(z)
        if self.exact:
            X = np.concatenate(found)[np.argsort(np.concatenate(sure), kind="stable")]
            implied, first = self._settle(X)
            for row in X[implied]:
                self.mark(row)
            if first is not None:
                return np.asarray(X[first])
        row = self._of_random(mean, cov)
        if row is None and self.exact:
            return self._search.corner(VersionSpace(self._posterior), self.asked)
        return row

    def _of_random(self, mean: FloatArray, cov: FloatArray) -> FloatArray | None:
        """One of many random rows whose label is open, or not known well enough; None if there is none."""
        X = self._population.draw(LAST, 0.5)
        odds = self._scores.odds_of(X, mean, cov)
        if not self.exact and max(map(expected_wrong, np.split(odds.z, 2))) <= LEFT:
            return None
        best = np.argsort(odds.z if self.exact else -odds.worth, kind="stable")
        X = X[[i for i in best[:SHORTLIST] if X[i].tobytes() not in self.asked][:CLOSELY]]
        if not self.exact or not len(X):
            return np.asarray(X[0]) if len(X) else None
        first = self._settle(X)[1]
        return None if first is None else np.asarray(X[first])


def expected_wrong(z: FloatArray) -> float:
    """The share of wrong signs at the mean of scores that are so many standard deviations off 0."""
    return float(ndtr(-z).mean())
