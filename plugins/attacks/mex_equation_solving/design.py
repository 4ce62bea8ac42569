"""The design of the rows to ask."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.linalg import qr

from mex import Domain
from mex.types import BoolArray, FloatArray

INDEPENDENT = 1e-7
"""The relative singular value below which directions count as dependent."""
CENTRAL = 2.0
"""The largest difference of scores near the boundary: probabilities there are the most informative if rounded."""
DRAWN = 20
"""How many rows are drawn per row wanted near the boundary."""


def star(domain: Domain, anchor: FloatArray, steps: FloatArray) -> FloatArray:
    """One row per feature, in which only that feature differs from a row of the domain, shape (d, d).

    Args:
        domain: the domain.
        anchor: the row, shape (d,).
        steps: by how much each number is changed, as a share of half its range, an integer by at least one, shape
            (d,). It moves towards its farther bound; a column of a one-hot group becomes the one that is 1. For
            features that cannot change the row is the anchor.
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
    """For which features the step in :func:`star` cannot be shortened, or should not below ``least``, shape (d,)."""
    grouped = np.isin(np.arange(domain.n_features), [i for group in domain.groups for i in group])
    return np.asarray(grouped | (domain.integer & (steps * domain.half_width < 1.5)) | (steps < least))


def independent(moves: FloatArray, known: FloatArray) -> list[int]:
    """The indices of the fewest ``moves``, shape (m, k), that with the rows of ``known`` span what all of them do.

    They are chosen greedily for good conditioning, by a QR decomposition with pivoting.

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
    """The rows at shares ``t``, shape (n,), of the segments from ``start`` to ``end``, shape (n, d).

    Numbers change linearly, integers are rounded, and group g changes where t passes ``switch[:, g]``.
    """
    rows = np.clip(start + t[:, None] * (end - start), domain.lower, domain.upper)
    rows[:, domain.integer] = np.round(rows[:, domain.integer])
    for group, at in zip(domain.groups, switch.T, strict=True):
        rows[:, group] = np.where((t > at)[:, None], end[:, group], start[:, group])
    return np.asarray(rows)


def near_boundary(
    domain: Domain,
    scores: Callable[[FloatArray], FloatArray],
    n: int,
    rng: np.random.Generator,
    ends: FloatArray | None = None,
) -> FloatArray:
    """At most ``n`` rows near the boundary between two classes.

    Each is on the segment between two random rows of different classes, where the ``scores`` of the two classes, shape
    (rows, classes), differ by :data:`CENTRAL` at most. If all rows drawn are of one class, those of least margin. With
    ``ends`` they are between corners, and the scores differ by one of these.
    """
    X = domain.sample(DRAWN * n, rng) if ends is None else random_corners(domain, DRAWN * n, rng)
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
    central = np.empty(0) if ends is None else ends[np.abs(ends) <= CENTRAL]
    aim = rng.choice(central, size=n) if len(central) else rng.uniform(-CENTRAL, CENTRAL, size=n)
    aim = np.clip(aim, behind, ahead)
    return along(domain, X[a], X[b], (ahead - aim) / (ahead - behind), rng.random((n, len(domain.groups))))


def at_ends(
    domain: Domain, score: Callable[[FloatArray], FloatArray], n: int, width: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """``n`` rows near random corners whose values, shape (n,), are at an end of what is rounded alike.

    Args:
        domain: the domain.
        score: the values of rows.
        n: how many.
        width: of the intervals, shape (m,), at values from the least to the largest.
        rng: for the corners.
    """
    X, other = random_corners(domain, n, rng), random_corners(domain, n, rng)
    values, step = score(X), score(other)
    half = width[rng.integers(len(width), size=n)] / 2
    ends = (2 * np.floor(values / (2 * half)) + 1) * half
    share = np.divide(ends - values, step - values, out=np.zeros(n), where=np.abs(step - values) > 2 * half)
    backwards = share < 0  # the end on the other side of the value
    beyond = ends - 2 * half * np.sign(ends - values)
    share = np.where(backwards, np.divide(beyond - values, step - values, out=np.zeros(n), where=backwards), share)
    return along(domain, X, other, np.clip(share, 0, 1), rng.random((n, len(domain.groups))))


def random_corners(domain: Domain, n: int, rng: np.random.Generator) -> FloatArray:
    """Random corners of the domain, shape (n, d), where errors of the answers affect the weights least."""
    X = domain.sample(n, rng)
    number = np.isfinite(domain.lower) & np.isfinite(domain.upper)
    number[[i for group in domain.groups for i in group]] = False
    return np.where(number, np.where(domain.middle < X, domain.upper, domain.lower), X)


def furthest(domain: Domain, slope: FloatArray) -> FloatArray:
    """The row of the domain with the largest <slope, x>, shape (d,), at most one unit out in unbounded features."""
    row = domain.middle + np.sign(slope) * domain.half_width
    for group in domain.groups:
        row[list(group)] = np.eye(len(group))[np.argmax(slope[list(group)])]
    return np.asarray(domain.clip(row[None])[0])
