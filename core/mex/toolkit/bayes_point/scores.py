"""The scores of the classes of a linear model as one vector of weights, about which every label says some signs."""

from __future__ import annotations

import math

import attrs
import numpy as np

from mex.toolkit.bayes_point.climb import Belief, worth
from mex.toolkit.bayes_point.encoding import Encoding
from mex.types import Array, FloatArray


@attrs.frozen(eq=False)
class Odds:
    """The two likeliest classes of rows, and what is known of the difference of their scores; all of shape (n,).

    Attributes:
        first, second: the two classes, the likelier one first.
        z: the mean of the difference over its standard deviation, at least 0.
        deviation: the standard deviation of the difference.
        width: the same in unit coordinates: how far the boundary may be off there.
        worth: how much an answer is expected to tell (:func:`.climb.worth`).
    """

    first: Array
    second: Array
    z: FloatArray
    deviation: FloatArray
    width: FloatArray
    worth: FloatArray


class Scores:
    """k scores of d weights each, up to what is common to all of them: contrasts, so (k - 1) d weights.

    Two classes have one score, that of the second. The label of a row says of every other class that its score is
    lower: k - 1 signs of vectors of (k - 1) d components.

    Args:
        k: the number of classes.
        encoding: of the rows.
    """

    def __init__(self, k: int, encoding: Encoding) -> None:
        self.k = k
        self.encoding = encoding
        self._contrasts = _contrasts(k)  # shape (k, k - 1)
        self.d = (k - 1) * encoding.d
        self.metric: FloatArray = np.kron(np.eye(k - 1), encoding.metric).astype(np.float64)

    def signed_rows(self, P: FloatArray, labels: Array) -> FloatArray:
        """The vectors whose products with the weights are positive if labels are right, shape (n (k - 1), d).

        ``P`` are rows, encoded, shape (n, d), and ``labels`` their classes, by index.
        """
        others = np.array([[c for c in range(self.k) if c != label] for label in range(self.k)])
        sides = self._contrasts[labels][:, None] - self._contrasts[others[labels]]  # (n, k - 1, k - 1)
        return np.asarray((sides[..., None] * P[:, None, None, :]).reshape(-1, self.d))

    def difference(self, P: FloatArray, first: Array, second: Array) -> FloatArray:
        """The vectors of the difference of two scores at each row, shape (n, (k - 1) d)."""
        sides = self._contrasts[first] - self._contrasts[second]
        return np.asarray((sides[:, :, None] * P[:, None, :]).reshape(-1, self.d))

    def leads(self, P: FloatArray, mean: FloatArray) -> FloatArray:
        """The vectors of the lead of each row's likeliest class over every other, shape (n (k - 1), (k - 1) d)."""
        order = np.argsort(P @ -self.weights(mean).T, axis=1, kind="stable")
        rivals = self.k - 1
        return self.difference(np.repeat(P, rivals, axis=0), np.repeat(order[:, 0], rivals), order[:, 1:].reshape(-1))

    def weights(self, w: FloatArray) -> FloatArray:
        """The weights of each score, shape (k, d)."""
        return np.asarray(self._contrasts @ w.reshape(self.k - 1, -1))

    def linear(self, w: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Coefficients and intercepts of rows as a linear classifier has them: one row for two classes."""
        weights = self.weights(w)
        return self.encoding.weights(weights if self.k > 2 else weights[1:] - weights[:1])

    def belief(self, mean: FloatArray, cov: FloatArray, first: int, second: int) -> Belief:
        """What a posterior says of the difference of two scores, the others being rivals of both."""
        k, weights = self.k, self.weights(mean)
        side = self._contrasts[first] - self._contrasts[second]
        d = self.encoding.d
        block = np.tensordot(side, np.tensordot(side, cov.reshape(k - 1, d, k - 1, d), 1), (0, 1)) if k > 2 else cov
        others = [c for c in range(k) if c not in (first, second)]
        rivals = weights[others] - (weights[first] + weights[second]) / 2
        return Belief.of(self.encoding, weights[first] - weights[second], block, rivals)

    def after_answer(self, row: FloatArray, mean: FloatArray, cov: FloatArray) -> FloatArray:
        """The covariance of the weights about as the answer to a row will leave it, whatever it is."""
        odds = self.odds_of(row[None], mean, cov)
        (a,) = self.difference(self.encoding.encode(row[None]), odds.first, odds.second)
        across = cov @ a
        return np.asarray(cov - 2 / np.pi * np.multiply.outer(across, across) / max(float(a @ across), 1e-300))

    def odds_of(self, X: FloatArray, mean: FloatArray, cov: FloatArray) -> Odds:
        """As :meth:`odds`, of rows, shape (n, n_features)."""
        return self.odds(self.encoding.encode(X), mean, cov)

    def likeliest(self, P: FloatArray, mean: FloatArray) -> tuple[Array, Array]:
        """The two likeliest classes of encoded rows, the likelier ones first, each of shape (n,)."""
        order = np.argsort(P @ -self.weights(mean).T, axis=1, kind="stable")
        return order[:, 0], order[:, 1]

    def odds(self, P: FloatArray, mean: FloatArray, cov: FloatArray) -> Odds:
        """The odds of the two likeliest classes of encoded rows, shape (n, d), by the moments of the weights."""
        first, second = self.likeliest(P, mean)
        rows = self.difference(P, first, second)
        s, v = rows @ mean, np.maximum(np.einsum("ij,ij->i", rows @ cov, rows), 1e-300)
        deviation = np.sqrt(v)
        w = self.weights(mean)[first] - self.weights(mean)[second]
        length = np.sqrt(np.maximum(np.einsum("ij,ij->i", w @ self.encoding.metric, w), 1e-300))
        return Odds(first, second, s / deviation, deviation, deviation / length, worth(s, v, np.empty((len(s), 0))))


def _contrasts(k: int) -> FloatArray:
    """The scores of k classes by k - 1 weights, shape (k, k - 1), such that differences have length 1."""
    if k == 2:
        return np.array([[-0.5], [0.5]])
    centred = np.linalg.qr(np.column_stack([np.ones(k), np.eye(k)[:, 1:]]))[0][:, 1:]
    return np.asarray(centred / math.sqrt(2))
