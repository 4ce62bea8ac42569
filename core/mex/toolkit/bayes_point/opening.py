"""A bounded part of a domain without bounds in which a model has a boundary."""

from __future__ import annotations

from collections.abc import Generator
from itertools import islice

import attrs
import numpy as np

from mex.domain import Domain
from mex.knowledge import Knowledge
from mex.toolkit.halfspaces.reach import STEPS, boxes
from mex.types import Array, FloatArray

PAIRS = 2
"""How many corners of each box are asked, each with the opposite one."""
CONFIRMATIONS = 8
"""How many more corners of a box are asked, where labels may be wrong, before two labels count as seen."""


@attrs.frozen(eq=False)
class Opened:
    """The part of the domain, and what was asked to find it: rows, shape (n, n_features), and labels, shape (n,)."""

    domain: Domain
    rows: FloatArray
    labels: Array


def open_box(known: Knowledge, rng: np.random.Generator) -> Generator[FloatArray, Array, Opened]:
    """The smallest box (:func:`.reach.boxes`) such that opposite corners of it, and of smaller ones, show two labels.

    Yields rows, receives their labels. A bounded domain is its own box. Where labels may be wrong, one label of many
    is not enough: the rarer ones have to be a third of those of the corners of one box.
    """
    assert known.classes is not None
    rows, labels = np.empty((0, known.domain.n_features)), known.classes[:0]
    if known.domain.bounded:
        return Opened(known.domain, rows, labels)
    tried: list[tuple[Domain, FloatArray, Array]] = []
    for box in islice(boxes(known), 2 * STEPS + 1):
        X = _corners(box, PAIRS, rng)
        y = yield X
        if known.rho != 0 and len(np.unique(y)) > 1:
            more = _corners(box, CONFIRMATIONS // 2, rng)
            X, y = np.concatenate([X, more]), np.concatenate([y, (yield more)])
        tried = sorted([*tried, (box, X, y)], key=lambda one: float(one[0].half_width.sum()))
        rows, labels = np.concatenate([rows, X]), np.concatenate([labels, y])
        for k, (larger, _, last) in enumerate(tried):
            seen = last if known.rho != 0 else np.concatenate([y for _, _, y in tried[: k + 1]])
            commonest = np.unique(seen, return_counts=True)[1].max()
            if commonest < len(seen) and (known.rho == 0 or 3 * commonest <= 2 * len(seen)):
                inside = ((larger.lower <= rows) & (rows <= larger.upper)).all(axis=1)
                return Opened(larger, rows[inside], labels[inside])
    first = next(boxes(known))
    inside = ((first.lower <= rows) & (rows <= first.upper)).all(axis=1)
    return Opened(first, rows[inside], labels[inside])


def _corners(box: Domain, pairs: int, rng: np.random.Generator) -> FloatArray:
    """Corners of a box, each followed by the opposite one, with random categories, shape (2 pairs, n_features)."""
    X = box.sample(2 * pairs, rng)
    high = np.repeat(rng.random((pairs, box.n_features)) < 0.5, 2, axis=0)
    high[1::2] = ~high[1::2]
    grouped = np.isin(np.arange(box.n_features), [i for group in box.groups for i in group])
    return np.where(grouped, X, np.where(high, box.upper, box.lower))
