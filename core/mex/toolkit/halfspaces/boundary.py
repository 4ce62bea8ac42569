"""Finding the boundary of a halfspace inside its domain: a first example of each class, then a point between."""

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

DOUBT = 1e-4
"""The probability of a wrong verdict that a search accepts for one label of one place."""
JITTER = 1e-6
"""How far from a place, in unit coordinates, its label is asked again: a row asked twice may be answered alike.
Whole numbers and categories stay as they are."""


class NoBoundary(MexError):
    """Every place asked has one label: as far as the attacker can tell there is nothing to steal."""


PATIENCE = 10_000
"""How many places are asked for a row of the other label."""
PAIRS = 2
"""How many pairs of corners are asked of each box where a domain without bounds is searched by boxes."""


def places(known: Knowledge, rng: np.random.Generator) -> Iterator[tuple[Domain, FloatArray]]:
    """Rows to look for a class in, each with the box it is in: the middle, corners with their mirror images, the pool.

    A corner and its mirror image have opposite labels whenever the corner's score outweighs the
    intercept, which is what makes them better than points drawn inside.
    """
    pool = [] if known.pool is None else list(known.pool[rng.permutation(len(known.pool))])
    bounded = known.domain.bounded
    for box in boxes(known):
        yield box, box.middle
        spread = box.half_width * (0.999 if bounded else 1.0)
        for _ in count() if bounded else range(PAIRS):
            corner = rng.choice([-1.0, 1.0], size=box.n_features) * spread
            yield box, np.clip(box.middle + corner, box.lower, box.upper)
            yield box, np.clip(box.middle - corner, box.lower, box.upper)
            if pool:
                yield box, pool.pop(0)


def verdict(place: FloatArray, known: Knowledge, rng: np.random.Generator) -> Generator[FloatArray, Array, bool]:
    """Whether the label at ``place`` is the positive one, as sure as :data:`DOUBT` under noise of rate rho.

    Under noise it asks rows within :data:`JITTER` of the place until one label is ahead by enough, a
    sequential probability ratio test (Wald 1945); so sticky noise is outvoted as well.
    """
    rho = known.rho or 0.0
    if rho == 0:
        return bool((yield place[None])[0])
    rho = min(rho, 0.499)
    ahead, enough = 0, math.ceil(math.log(1 / DOUBT) / math.log((1 - rho) / rho))
    step = np.where(known.domain.discrete, 0.0, JITTER * known.domain.half_width)
    while abs(ahead) < enough:
        row = place + step * rng.uniform(-1, 1, size=place.shape)
        ahead += 1 if (yield np.clip(row, known.domain.lower, known.domain.upper)[None])[0] else -1
    return ahead > 0


def _as_it_is(X: FloatArray) -> FloatArray:
    return X


def _room(domain: Domain, point: FloatArray) -> float:
    """About how far a random direction of length 1 in unit coordinates goes from ``point``, 1 at most."""
    if not domain.bounded:
        return 1.0
    moving = ~domain.discrete & (domain.lower < domain.upper)
    walls = np.minimum(point - domain.lower, domain.upper - point)[moving] / domain.half_width[moving]
    return float(min(1.0, np.sqrt(len(walls)) * walls.min())) if len(walls) else 1.0


def between(
    negative: FloatArray,
    positive: FloatArray,
    known: Knowledge,
    eps: float,
    settle: Callable[[FloatArray], FloatArray] = _as_it_is,
) -> Search:
    """A boundary point on the segment from a negative to a positive row, good enough for directions to ``eps``.

    How far off it may be, as a share of the segment, is a tenth of eps times the room around it: the nearer
    the walls, the shorter the moves that are asked from there. ``settle`` makes rows that the interface
    accepts of points on the segment.
    """
    search = Bisection(0.0, 1.0, min(known.rho or 0.0, 0.499))
    while True:
        t = search.median()
        point = negative + t * (positive - negative)
        if search.width(1 - DOUBT) <= max(eps / 10 * _room(known.domain, point), 1e-15):
            return point
        search.tell(t, below=not (yield settle(point[None].copy()))[0])


def opposite_rows(
    known: Knowledge, rng: np.random.Generator
) -> Generator[FloatArray, Array, tuple[Domain, FloatArray]]:
    """A row of each label, stacked, the negative one first, and a bounded part of the domain that holds them.

    One of them is the middle of a box: two corners may share a face, and a boundary point between them would leave no
    room to ask around it.

    Raises:
        NoBoundary: if :data:`PATIENCE` places have one label, the pool's rows among them.
    """
    patience = max(PATIENCE, 0 if known.pool is None else 3 * len(known.pool))
    first: bool | None = None
    last = middle = known.domain.middle
    for box, place in islice(places(known, rng), patience):
        label = yield from verdict(place, known, rng)
        central = np.array_equal(place, box.middle)
        if first is None:
            first = label
        elif label != first:
            other = last if central else middle
            found = np.stack([place, other] if first else [other, place])
            return extended(box, found), found
        last, middle = place, place if central else middle
    raise NoBoundary(f"{patience} places were asked, and no boundary to start from was found")


def positives(known: Knowledge, answers: Array) -> BoolArray:
    """Which answers are the positive label."""
    assert known.classes is not None
    return np.asarray(answers == known.classes[1])
