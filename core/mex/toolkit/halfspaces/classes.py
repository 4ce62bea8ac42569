"""Finding a row of each class."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import numpy as np

from mex.domain import Domain
from mex.knowledge import Knowledge
from mex.toolkit.halfspaces.reach import boxes, extended
from mex.types import Array, FloatArray

PATIENCE = 200
"""How many rows one after the other may show no new class before the search for classes ends."""
PER_BOX = 10
"""How many rows are asked of each box where a domain without bounds is searched box by box."""


def search_classes(
    known: Knowledge, rng: np.random.Generator, examples: dict[int, FloatArray]
) -> Generator[FloatArray, Array, Domain]:
    """Fill ``examples`` with a row of each class, by index, as far as rows of the pool and random ones show them.

    Yields rows, receives the indices of their classes, returns a bounded part of the domain with all examples.
    """
    assert known.classes is not None
    without_news = 0
    searched = known.domain
    for box, row in _rows(known, rng):
        searched = box
        (label,) = yield row[None]
        without_news = without_news + 1 if label in examples else 0
        examples.setdefault(int(label), row)
        if len(examples) == len(known.classes) or without_news >= PATIENCE:
            break
    return extended(searched, np.array(list(examples.values())))


def _rows(known: Knowledge, rng: np.random.Generator) -> Iterator[tuple[Domain, FloatArray]]:
    """The pool in random order, then uniform rows without end, each with the box it was drawn for."""
    if known.pool is not None:
        box = next(boxes(known))
        yield from ((box, row) for row in known.pool[rng.permutation(len(known.pool))])
    for box in boxes(known):
        yield from ((box, row) for row in box.sample(100 if known.domain.bounded else PER_BOX, rng))
