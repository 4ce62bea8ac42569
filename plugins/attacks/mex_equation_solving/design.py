"""Which rows to ask, so that each answer is an equation of its own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.linalg import qr

from mex import Domain
from mex.types import BoolArray, FloatArray

INDEPENDENT = 1e-7
"""How much of a step, as a share of its length, may lie in what is known already and still count as new."""
CENTRAL = 2.0
"""The largest logit to aim at where answers are rounded: the probabilities there have the most to tell."""
DRAWN = 20
"""Rows drawn for each row wanted near the boundary."""


def star(domain: Domain, anchor: FloatArray, steps: FloatArray) -> FloatArray:
    """One row per feature, that feature moved away from a row of the domain, shape (d, d).

    A number moves by ``steps`` (shape (d,), as shares of half its range, whole numbers by one at least)
    to the side with more room; a column of a one-hot group becomes the one that is set. Features that
    cannot move leave the anchor as it is.
    """
    X = np.tile(anchor, (len(anchor), 1))
    up, down = domain.upper - anchor, anchor - domain.lower
    length = np.minimum(np.maximum(up, down), steps * domain.half_width)
    length = np.where(domain.integer & (domain.lower < domain.upper), np.maximum(np.round(length), 1), length)
    np.fill_diagonal(X, np.where(up >= down, anchor + length, anchor - length))
    for group in domain.groups:
        X[np.ix_(group, group)] = np.eye(len(group))
    return X


def shortest(domain: Domain, steps: FloatArray, least: float) -> BoolArray:
    """Which features :func:`star` cannot move by less than it does with ``steps``, or should not, shape (d,)."""
    grouped = np.isin(np.arange(domain.n_features), [i for group in domain.groups for i in group])
    return np.asarray(grouped | (domain.integer & (steps * domain.half_width < 1.5)) | (steps < least))


def independent(moves: FloatArray, known: FloatArray) -> list[int]:
    """The fewest of ``moves``, shape (m, k), that together with the rows of ``known`` span what all of them do.

    Chosen greedily for conditioning: the one that is furthest from what is known or chosen comes next.

    >>> independent(np.eye(3), known=np.array([[1.0, 1.0, 0.0]]))
    [1, 2]
    """
    _, sizes, basis = np.linalg.svd(known, full_matrices=True)
    unknown = basis[int((sizes > INDEPENDENT * sizes.max(initial=0.0)).sum()) :]
    if len(unknown) == 0 or len(moves) == 0:
        return []
    R, order = qr((moves @ unknown.T).T, mode="r", pivoting=True)
    new = np.abs(np.diag(R)) > INDEPENDENT
    return sorted(int(i) for i in order[: len(new)][new])


def along(domain: Domain, start: FloatArray, end: FloatArray, t: FloatArray, switch: FloatArray) -> FloatArray:
    """The rows at shares ``t``, shape (n,), of the way from each row of ``start`` to that of ``end``.

    Numbers move in proportion, rounded where they are whole; group g changes when t passes its column
    of ``switch``, shape (n, number of groups).
    """
    rows = np.clip(start + t[:, None] * (end - start), domain.lower, domain.upper)
    rows[:, domain.integer] = np.round(rows[:, domain.integer])
    for group, turn in zip(domain.groups, switch.T, strict=True):
        rows[:, group] = np.where((t > turn)[:, None], end[:, group], start[:, group])
    return np.asarray(rows)


def near_boundary(
    domain: Domain, scores: Callable[[FloatArray], FloatArray], n: int, rng: np.random.Generator
) -> FloatArray:
    """Rows between two classes, at most n of them, far from each other along the boundary.

    Each lies between two random rows whose highest ``scores``, shape (rows, classes), are of different
    classes, where those two scores differ by :data:`CENTRAL` at most; where all rows drawn are of one
    class, the least sure of them are returned.
    """
    X = domain.sample(DRAWN * n, rng)
    S = scores(X)
    order = np.argsort(S.argmax(axis=1), kind="stable")
    X, S = X[order], S[order]
    labels, first, count = np.unique(S.argmax(axis=1), return_index=True, return_counts=True)
    if len(labels) == 1:
        best = np.sort(S, axis=1)
        return np.asarray(X[np.argsort(best[:, -1] - best[:, -2])[:n]])
    one = rng.integers(len(labels), size=n)
    pair = np.stack([one, (one + rng.integers(1, len(labels), size=n)) % len(labels)])
    a, b = first[pair] + (rng.random(pair.shape) * count[pair]).astype(np.int64)
    ahead, behind = (S[i, labels[pair[0]]] - S[i, labels[pair[1]]] for i in (a, b))
    aim = np.clip(rng.uniform(-CENTRAL, CENTRAL, size=n), behind, ahead)
    return along(domain, X[a], X[b], (ahead - aim) / (ahead - behind), rng.random((n, len(domain.groups))))


def far(domain: Domain, n: int, rng: np.random.Generator) -> FloatArray:
    """Random corners of the domain, shape (n, d): where an error of the answers costs the weights least."""
    X = domain.sample(n, rng)
    number = np.isfinite(domain.lower) & np.isfinite(domain.upper)
    number[[i for group in domain.groups for i in group]] = False
    return np.where(number, np.where(domain.middle < X, domain.upper, domain.lower), X)


def furthest(domain: Domain, slope: FloatArray) -> FloatArray:
    """The row of the domain with the largest <slope, x>, shape (d,); unbounded features go one unit from the middle."""
    row = domain.middle + np.sign(slope) * domain.half_width
    for group in domain.groups:
        row[list(group)] = np.eye(len(group))[np.argmax(slope[list(group)])]
    return np.asarray(domain.clip(row[None])[0])
