"""Every row of a domain that has few of them."""

from __future__ import annotations

import math

import numpy as np

from mex.domain import Domain
from mex.toolkit.bayes_point.encoding import Encoding
from mex.toolkit.bayes_point.scores import Scores
from mex.types import Array, BoolArray, FloatArray

MOST = 2**17
"""The most rows that a domain may have for all of them to be listed."""


def count(domain: Domain) -> float:
    """How many rows a bounded domain has; infinite if a feature is real."""
    grouped = {i for group in domain.groups for i in group}
    singles = [i for i in range(domain.n_features) if i not in grouped and domain.lower[i] < domain.upper[i]]
    if not domain.integer[singles].all():
        return math.inf
    widths = (domain.upper - domain.lower)[singles] + 1
    sizes = [max(1, sum(domain.lower[i] < domain.upper[i] for i in group)) for group in domain.groups]
    return float(np.prod(np.concatenate([widths, sizes])))


def listed(domain: Domain) -> FloatArray:
    """All rows of a domain, shape (count, n_features)."""
    encoding = Encoding(domain)
    choices = [np.arange(domain.lower[i], domain.upper[i] + 1) for i in encoding.numbers]
    choices += [np.arange(a, b) for a, b in encoding.spans]
    n = math.prod(map(len, choices))
    X = np.tile(domain.lower, (n, 1))
    for group in domain.groups:  # of a group with one possible category
        X[:, list(group)] = domain.lower[list(group)]
        if sum(domain.lower[i] < domain.upper[i] for i in group) == 1:
            X[:, list(group)] = domain.upper[list(group)]
    repeat = n
    for k, values in enumerate(choices):
        repeat //= len(values)
        column = np.tile(np.repeat(values, repeat), n // (repeat * len(values)))
        if k < len(encoding.numbers):
            X[:, encoding.numbers[k]] = column
        else:
            X[np.arange(n), encoding.columns[column.astype(int)]] = 1.0
    return X


class AllRows:
    """The rows of a domain, and which of them are still to be asked: not those whose label is known.

    Args:
        scores: of the classes; its encoding is of the domain.
        rng: for the order of the rows.

    Attributes:
        X: rows, shape (n, n_features), those that are not open among them until the next :meth:`least_sure`.
        left: how many rows are still to be asked.
    """

    def __init__(self, scores: Scores, rng: np.random.Generator) -> None:
        self._scores = scores
        self.X = rng.permutation(listed(scores.encoding.domain))
        self.left = len(self.X)
        self._encoded = scores.encoding.encode(self.X)
        self._open: BoolArray = np.ones(len(self.X), dtype=bool)
        self._index = {row.tobytes(): i for i, row in enumerate(self.X)}
        self._deviation: FloatArray = np.ones(len(self.X))
        self._every = max(1, scores.d // 2)
        self._calls = 0

    def discard(self, row: FloatArray) -> None:
        """A row that was asked, shape (n_features,): it is not to be asked again."""
        i = self._index.get(row.tobytes())
        if i is not None:
            self.discard_all(np.array([i]))

    def discard_all(self, indices: Array) -> None:
        """Rows of :attr:`X` whose label is known."""
        self._open[indices] = False
        self.left = int(np.count_nonzero(self._open))

    def _shrink(self) -> None:
        kept = self._open
        self.X, self._encoded, self._deviation = self.X[kept], self._encoded[kept], self._deviation[kept]
        self._index = {row.tobytes(): i for i, row in enumerate(self.X)}
        self._open = np.ones(len(self.X), dtype=bool)

    def least_sure(self, mean: FloatArray, cov: FloatArray, few: int) -> Array:
        """The indices of the open rows with the smallest z, up to ``few``, in no order.

        Standard deviations, which change slowly and take long, are those of some calls before.
        """
        if 2 * self.left < len(self.X):
            self._shrink()
        weights = self._scores.weights(mean)
        if self._calls % self._every == 0:
            self._deviation = self._scores.odds(self._encoded, mean, cov).deviation
        self._calls += 1
        if self._scores.k == 2:
            gap = np.abs(self._encoded @ (weights[1] - weights[0]))
        else:
            top = np.partition(self._encoded @ weights.T, -2, axis=1)
            gap = top[:, -1] - top[:, -2]
        z = np.where(self._open, gap / self._deviation, np.inf)
        few = min(few, self.left)
        return np.asarray(np.argpartition(z, few - 1)[:few])
