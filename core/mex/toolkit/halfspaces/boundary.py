"""Finding the boundary of a halfspace inside its domain: a row of each class, then a point between them."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator
from itertools import count, islice
from typing import TypeAlias

import numpy as np

from mex.domain import Domain
from mex.errors import MexError
from mex.knowledge import Knowledge
from mex.toolkit.halfspaces.bisection import Bisection
from mex.toolkit.halfspaces.reach import boxes, extended
from mex.types import Array, BoolArray, FloatArray

Search: TypeAlias = Generator[FloatArray, Array, FloatArray]
"""Yields rows, receives whether each got the positive label, returns what it found."""

ERROR = 1e-4
"""The probability with which a search may take the label of a row, or the place of the boundary, for another."""
JITTER = 1e-6
"""Distance, in unit coordinates, between rows that ask for one label again: sticky noise answers the same row alike.
Integer features and one-hot groups stay as they are."""
PATIENCE = 10_000
"""How many rows are asked for one of the other label before the search is given up."""
PAIRS = 2
"""How many pairs of corners are asked of each box where a domain without bounds is searched box by box."""


class NoBoundary(MexError):
    """Every row asked got the same label, so no boundary was found."""


def search_rows(known: Knowledge, rng: np.random.Generator) -> Iterator[tuple[Domain, FloatArray]]:
    """Rows among which to look for a class, without end, each with the bounded part of the domain that it is asked of.

    Of each box (:func:`.reach.boxes`) the middle, then corners with their mirror images, and between them rows of the
    pool. A corner and its mirror image have different labels if the score of the corner outweighs the intercept, which
    is likelier than for rows drawn from the inside.
    """
    pool = iter(() if known.pool is None else known.pool[rng.permutation(len(known.pool))])
    bounded = known.domain.bounded
    for box in boxes(known):
        yield box, box.middle
        reach = box.half_width * (0.999 if bounded else 1.0)
        for _ in count() if bounded else range(PAIRS):
            corner = rng.choice([-1.0, 1.0], size=box.n_features) * reach
            yield box, np.clip(box.middle + corner, box.lower, box.upper)
            yield box, np.clip(box.middle - corner, box.lower, box.upper)
            yield from ((box, row) for row in islice(pool, 1))


def is_positive(row: FloatArray, known: Knowledge, rng: np.random.Generator) -> Generator[FloatArray, Array, bool]:
    """Whether f* gives ``row``, shape (d,), the positive label; wrong with probability :data:`ERROR` under noise.

    Under noise of rate rho it asks rows within :data:`JITTER` until one label is ahead by enough, a sequential
    probability ratio test (Wald 1945).
    """
    rho = known.rho or 0.0
    if rho == 0:
        return bool((yield row[None])[0])
    rho = min(rho, 0.499)
    ahead, enough = 0, math.ceil(math.log(1 / ERROR) / math.log((1 - rho) / rho))
    step = np.where(known.domain.discrete, 0.0, JITTER * known.domain.half_width)
    while abs(ahead) < enough:
        nearby = row + step * rng.uniform(-1, 1, size=row.shape)
        ahead += 1 if (yield np.clip(nearby, known.domain.lower, known.domain.upper)[None])[0] else -1
    return ahead > 0


def _unchanged(X: FloatArray) -> FloatArray:
    return X


def _reach(domain: Domain, point: FloatArray) -> float:
    """About how far the box extends from ``point`` in a random direction, in unit coordinates; at most 1."""
    if not domain.bounded:
        return 1.0
    moving = ~domain.discrete & (domain.lower < domain.upper)
    distance = np.minimum(point - domain.lower, domain.upper - point)[moving] / domain.half_width[moving]
    return float(min(1.0, np.sqrt(len(distance)) * distance.min())) if len(distance) else 1.0


def boundary_point(
    negative: FloatArray,
    positive: FloatArray,
    known: Knowledge,
    eps: float,
    valid: Callable[[FloatArray], FloatArray] = _unchanged,
) -> Search:
    """A point of the boundary on the segment from a negative to a positive row, shape (d,), by bisection.

    It is found to a share of the segment of eps / 10 times the reach of the box around it, since the shorter the rows
    asked from there, the more its error matters.

    Args:
        negative, positive: the ends of the segment, shape (d,).
        known: what the attacker knows.
        eps: the geometric error aimed at by what is asked from the point.
        valid: makes rows that the interface accepts of points on the segment, shape (n, d).
    """
    search = Bisection(0.0, 1.0, min(known.rho or 0.0, 0.499))
    while True:
        t = search.median()
        point = negative + t * (positive - negative)
        if search.width(1 - ERROR) <= max(eps / 10 * _reach(known.domain, point), 1e-15):
            return point
        search.tell(t, below=not (yield valid(point[None].copy()))[0])


def opposite_rows(
    known: Knowledge, rng: np.random.Generator
) -> Generator[FloatArray, Array, tuple[Domain, FloatArray]]:
    """A negative and a positive row, shape (2, d), and a bounded part of the domain with both of them.

    One of them is the middle of a box: two corners could share a face, and no direction could be asked from a boundary
    point on a face.

    Raises:
        NoBoundary: if :data:`PATIENCE` rows, all rows of the pool among them, have one label.
    """
    patience = max(PATIENCE, 0 if known.pool is None else 3 * len(known.pool))
    first: bool | None = None
    last = middle = known.domain.middle
    for box, row in islice(search_rows(known, rng), patience):
        label = yield from is_positive(row, known, rng)
        central = np.array_equal(row, box.middle)
        if first is None:
            first = label
        elif label != first:
            other = last if central else middle
            found = np.stack([row, other] if first else [other, row])
            return extended(box, found), found
        last, middle = row, row if central else middle
    raise NoBoundary(f"{patience} places were asked, and no boundary to start from was found")


def positives(known: Knowledge, answers: Array) -> BoolArray:
    """Which answers are the positive label, shape (n,)."""
    assert known.classes is not None
    return np.asarray(answers == known.classes[1])
