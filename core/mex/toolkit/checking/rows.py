"""Rows to check a hypothesis on: near the data, on the domain, and on both sides of its boundary."""

from __future__ import annotations

import numpy as np

from mex.domain import Domain
from mex.knowledge import Knowledge
from mex.toolkit.active.samplers import between_rows
from mex.toolkit.estimators import predictor
from mex.types import Array, BoolArray, Estimator, FloatArray

DRAWN = 256
"""Rows drawn to find pairs of different labels among."""
SPARE, COMPARED = 4, 500
"""Pairs to choose from for each one wanted, and rows asked that they are compared with at most."""
PARTS, ROUNDS = 16, 3
"""Into how many parts a segment is divided, and how often, to find where the label of a hypothesis changes on it."""
OFFSETS = (0.005, 0.02, 0.05, 0.1, 0.25)
"""How far from there the two sides are asked, as shares of the segment: the least at which both are clear."""
CLEAR = 1.0
"""How many times the error that an attack allows itself a row has to be away from the boundary to be clear."""


def natural(known: Knowledge, n: int, rng: np.random.Generator) -> FloatArray:
    """Draw ``n`` rows like those of honest users: rows of the pool, or between two; without one, of the domain."""
    pool = known.pool
    if pool is None or len(pool) == 0:
        return known.domain.sample(n, rng)
    rows = between_rows(pool, known.domain, n, rng, crossover=known.family.axis_parallel)
    rows[::2] = pool[rng.integers(len(pool), size=len(rows[::2]))]
    return rows


class PoolRows:
    """The rows of the pool in a random order, each once; after them, and without a pool, rows like them.

    Args:
        known: what the attack knows.
        rng: for the order and the draws.
    """

    def __init__(self, known: Knowledge, rng: np.random.Generator) -> None:
        self._known = known
        self._rng = rng
        self._left: Array = np.empty(0, dtype=np.int64)
        if known.pool is not None:
            self._left = rng.permutation(len(known.pool))

    def draw(self, n: int) -> FloatArray:
        """The next ``n`` rows, shape (n, d)."""
        if n == 0:  # after most batches
            return np.empty((0, self._known.domain.n_features))
        chosen, self._left = self._left[:n], self._left[n:]
        more = natural(self._known, n - len(chosen), self._rng)
        return more if self._known.pool is None else np.concatenate([self._known.pool[chosen], more])


def telling(
    hypothesis: Estimator, asked: FloatArray, known: Knowledge, n: int, eps: float, rng: np.random.Generator
) -> FloatArray:
    """``n`` rows that tell whether a classifier is right: in pairs on the two sides of its boundary, where it has one.

    Half of them are near the data and half anywhere on the domain. Between two rows that it labels otherwise is a place
    where its label changes; a little to either side its labels tell its boundary there, however far from it rows are.
    A hypothesis of the wrong class, or with a gross error, has one side wrong nearly everywhere, where random rows may
    not show it. Of several pairs those farthest from all rows ``asked`` so far are taken.
    """
    rows = np.concatenate([natural(known, DRAWN, rng), known.domain.sample(DRAWN, rng)])
    labels, wanted = predictor(hypothesis)(rows), (n - n // 2, n // 2)
    apart: list[Array] = []
    for part, count in enumerate(wanted):
        drawn = part * DRAWN + rng.integers(DRAWN, size=(2, DRAWN * max(count, 1)))
        apart.append(drawn[:, labels[drawn[0]] != labels[drawn[1]]][:, : SPARE * (count // 2)])
    start, end = np.concatenate(apart, axis=1)
    pairs, found = _sides(hypothesis, rows[start], labels[start], rows[end], known.domain, eps, rng)
    chosen: list[FloatArray] = []
    for part, count in enumerate(wanted):
        its = found & (start // DRAWN == part)
        best = _farthest(pairs[its], asked, known.domain, count // 2)
        chosen += [*best, rows[part * DRAWN :][: count - 2 * len(best)]]
    return np.concatenate(chosen)


def _farthest(pairs: FloatArray, asked: FloatArray, domain: Domain, n: int) -> FloatArray:
    """The ``n`` pairs, of shape (k, 2, d), whose first row is farthest from all rows asked, in unit coordinates."""
    if len(pairs) <= n or len(asked) == 0:
        return pairs[:n]
    known = asked[:: 1 + len(asked) // COMPARED] / domain.half_width
    first = pairs[:, 0] / domain.half_width
    distance = np.sqrt(((first[:, None] - known) ** 2).sum(axis=2)).min(axis=1)
    return np.asarray(pairs[np.argsort(-distance)[:n]])


def _sides(
    hypothesis: Estimator,
    start: FloatArray,
    label: Array,
    end: FloatArray,
    domain: Domain,
    eps: float,
    rng: np.random.Generator,
) -> tuple[FloatArray, BoolArray]:
    """Clear rows on either side of the boundary between n rows of a ``label`` and n of others, and where there are any.

    The shapes are (n, 2, d) and (n,).
    """
    predict = predictor(hypothesis)
    n, d = start.shape
    turns = rng.random((n, d))
    for unit in domain.units() if domain.groups else ():
        turns[:, list(unit)] = turns[:, [unit[0]]]

    def along(t: FloatArray) -> FloatArray:
        """The rows at shares of the way from start to end, shape (n, k) to (n, k, d)."""
        rows = start[:, None] + t[..., None] * (end - start)[:, None]
        if domain.discrete.any():
            switched = np.where(t[..., None] > turns[:, None], end[:, None], start[:, None])
            rows = np.where(domain.discrete, switched, rows)
        return rows

    def labels(rows: FloatArray) -> Array:
        return np.asarray(predict(rows.reshape(-1, d))).reshape(rows.shape[:-1])

    if n == 0:
        return np.empty((0, 2, d)), np.empty(0, dtype=bool)
    pair, label = np.arange(n), label[:, None]
    low, high = np.zeros(n), np.ones(n)
    for _ in range(ROUNDS):
        t = low[:, None] + (high - low)[:, None] * np.linspace(0, 1, PARTS + 1)
        first = 1 + np.argmax(np.column_stack([labels(along(t[:, 1:-1])) != label, np.ones(n, dtype=bool)]), axis=1)
        low, high = t[pair, first - 1], t[pair, first]
    offsets = np.array(OFFSETS)
    t = np.clip(np.stack([low[:, None] - offsets, high[:, None] + offsets], axis=2), 0, 1)
    rows = along(t.reshape(n, -1))
    alike, far = labels(rows) == label, clear(hypothesis, rows.reshape(-1, d), domain, eps).reshape(n, -1)
    good = alike[:, ::2] & ~alike[:, 1::2] & far[:, ::2] & far[:, 1::2]
    return rows.reshape(n, len(offsets), 2, d)[pair, np.argmax(good, axis=1)], good.any(axis=1)


def clear(hypothesis: Estimator, X: FloatArray, domain: Domain, eps: float) -> BoolArray:
    """Which rows a hypothesis is to answer right if its error is about ``eps``, shape (n,); all if that is 0.

    Of a linear classifier, whose geometric error it is, those whose score outweighs what so large an error makes of it;
    of a linear regression all. Of another model those that are answered alike if any one feature moves by ``eps`` of
    its range.
    """
    if eps == 0 or len(X) == 0:
        return np.ones(len(X), dtype=bool)
    coef = getattr(hypothesis, "coef_", None)
    linear = coef is not None and np.shape(coef)[-1] == X.shape[1]
    if linear and not hasattr(hypothesis, "classes_"):
        return np.ones(len(X), dtype=bool)  # values have no boundary
    if coef is None or not linear:
        return _unmoved(hypothesis, X, domain, eps)
    W = np.atleast_2d(coef) * domain.half_width
    V = np.column_stack([W, np.ravel(hypothesis.intercept_) + np.atleast_2d(coef) @ domain.middle])
    if len(V) == 1:
        V = np.concatenate([np.zeros_like(V), V])
    Z = np.column_stack([(X - domain.middle) / domain.half_width, np.ones(len(X))])
    S = Z @ V.T
    first, second = np.argsort(-S, axis=1)[:, :2].T
    i = np.arange(len(X))
    lengths = np.linalg.norm(V[first] - V[second], axis=1) * np.linalg.norm(Z, axis=1)
    return np.asarray((S[i, first] - S[i, second] > CLEAR * eps * lengths) | (lengths == 0))


def _unmoved(hypothesis: Estimator, X: FloatArray, domain: Domain, eps: float) -> BoolArray:
    answers, alike = hypothesis.predict(X), np.ones(len(X), dtype=bool)
    for j in np.flatnonzero(~domain.discrete):
        for step in (-eps, eps):
            moved = X.copy()
            moved[:, j] += 2 * step * domain.half_width[j]
            alike &= hypothesis.predict(moved) == answers
    return alike
