"""Finding two rows of different labels that are alike but for their fine features: where a mixed chart begins."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from itertools import islice
from typing import TypeAlias

import numpy as np

from mex.domain import Domain
from mex.knowledge import Knowledge
from mex.toolkit.halfspaces import boundary
from mex.toolkit.halfspaces.boundary import NoBoundary, is_positive
from mex.toolkit.halfspaces.mixed_chart import round_integers
from mex.toolkit.halfspaces.reach import boxes, extended
from mex.types import Array, BoolArray, FloatArray

WALKS = 5
"""How many walks between contexts may end where fine features change nothing, before no more are made."""
CORNERS = 8
"""How many corners are asked of the fine features where a step of the other features changes the label."""

Pair: TypeAlias = Generator[FloatArray, Array, FloatArray | None]
"""Yields rows, receives whether each got the positive label, returns a negative row and a positive one, or None."""


def rows_alike_but_for(
    fine: BoolArray, known: Knowledge, rng: np.random.Generator
) -> Generator[FloatArray, Array, tuple[Domain, FloatArray]]:
    """Two rows of different labels, alike but for their fine features, the negative one first, in a bounded box.

    Asks the fine features at opposite corners in ever new contexts. Where two contexts have different labels, it walks
    from one to the other, to where a single step of one feature makes the difference, and moves fine features there.

    Raises:
        NoBoundary: if the fine features never change the label.
    """
    seen: dict[bool, FloatArray] = {}
    walks = 0
    for box, low, high in islice(_pairs(known, rng, fine), boundary.PATIENCE // 2):
        below = yield from is_positive(low, known, rng)
        above = yield from is_positive(high, known, rng)
        found: FloatArray | None = None
        if below != above:
            found = np.stack([high, low] if below else [low, high])
        seen[below] = low
        if found is None and len(seen) == 2 and walks < WALKS:
            found = yield from _between_contexts(seen[False], seen[True], fine, box, known, rng)
            seen, walks = {}, walks + 1
        if found is not None:
            return extended(box, found), found
    raise NoBoundary(f"{boundary.PATIENCE // 2} moves of all fine features were tried, and none changed the label")


def _pairs(
    known: Knowledge, rng: np.random.Generator, fine: BoolArray
) -> Iterator[tuple[Domain, FloatArray, FloatArray]]:
    """Rows alike but for their fine features, which are at opposite corners of a box."""
    pool = known.pool if known.pool is not None and len(known.pool) else None
    for box in boxes(known):
        for _ in range(boundary.PAIRS):
            row = box.sample(1, rng)[0] if pool is None else pool[rng.integers(len(pool))]
            up = rng.random(box.n_features) < 0.5
            yield (
                box,
                np.where(fine, np.where(up, box.lower, box.upper), row),
                np.where(fine, np.where(up, box.upper, box.lower), row),
            )


def _between_contexts(
    negative: FloatArray, positive: FloatArray, fine: BoolArray, box: Domain, known: Knowledge, rng: np.random.Generator
) -> Pair:
    """Walk from a negative row to a positive one in another context; None if fine features change no label there.

    It walks with all fine features at their middle: two corners may share a face, and a boundary point between them
    would leave no room to ask around it.
    """
    middle = round_integers(box.middle[None].copy(), box)[0]
    for row, label in ((negative, False), (positive, True)):
        moved = np.where(fine, middle, row)
        if (yield from is_positive(moved, known, rng)) != label:
            return np.stack([moved, row] if label else [row, moved])
    negative, positive = (np.where(fine, middle, row) for row in (negative, positive))
    units = [np.array(unit) for unit in known.domain.units() if (negative != positive)[list(unit)].any()]
    while len(units) > 1:
        half, row = len(units) // 2, negative.copy()
        columns = np.concatenate(units[:half])
        row[columns] = positive[columns]
        if (yield from is_positive(row, known, rng)):
            positive, units = row, units[:half]
        else:
            negative, units = row, units[half:]
    (unit,) = units
    while len(unit) == 1 and np.abs(positive - negative)[unit[0]] > 1:
        row = negative.copy()
        row[unit] = np.floor((negative + positive)[unit] / 2)
        if (yield from is_positive(row, known, rng)):
            positive = row
        else:
            negative = row
    for _ in range(CORNERS):
        corner = np.where(rng.random(box.n_features) < 0.5, box.lower, box.upper)
        for context, label in ((negative, False), (positive, True)):
            row = np.where(fine, corner, context)
            if (yield from is_positive(row, known, rng)) != label:
                return np.stack([row, context] if label else [context, row])
    return None
