"""Boxes to search a domain by that has no bounds to some features."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import numpy as np

from mex.domain import Domain
from mex.knowledge import Knowledge
from mex.types import FloatArray

FACTOR = 4.0
"""How much larger, or smaller, the next box is."""
STEPS = 24
"""How many times larger and smaller than the first one boxes are tried: from 4^-24 to 4^24 units."""


def boxes(known: Knowledge) -> Iterator[Domain]:
    """Bounded domains inside the domain, without end: itself if it is bounded, else larger and smaller ones in turn.

    >>> known = Knowledge(domain=Domain([0.0], [np.inf]), classes=None, answers="value", family=None)
    >>> [float(box.upper[0]) for box, _ in zip(boxes(known), range(5))]
    [2.0, 8.0, 0.5, 32.0, 0.125]
    """
    powers = [0] + [sign * k for k in range(1, STEPS + 1) for sign in (1, -1)]
    while True:
        for power in powers if not known.domain.bounded else [0]:
            yield boxed(known.domain, FACTOR**power, known.pool)


def boxed(domain: Domain, reach: float, pool: FloatArray | None = None) -> Domain:
    """The part of a domain within ``reach`` units of where it begins, or of its middle where it begins nowhere.

    A missing bound is 2 ``reach`` units from the other one, or ``reach`` units from the middle of the pool if both are
    missing. With a reach of 1 the box holds the pool; without a pool the unit is 1 and the middle 0.
    """
    if domain.bounded:
        return domain
    low, high = np.isfinite(domain.lower), np.isfinite(domain.upper)
    rows = np.stack([domain.middle - 1, domain.middle + 1]) if pool is None or len(pool) == 0 else pool
    first = np.where(low, domain.lower, rows.min(axis=0))
    last = np.where(high, domain.upper, rows.max(axis=0))
    half = np.where(last > first, (last - first) / 2, 1.0)
    half = np.where(domain.integer, np.maximum(np.round(reach * half), 1.0), reach * half)
    middle = np.where(domain.integer, np.round((first + last) / 2), (first + last) / 2)
    lower = np.where(low, domain.lower, np.where(high, domain.upper - 2 * half, middle - half))
    upper = np.where(high, domain.upper, np.where(low, domain.lower + 2 * half, middle + half))
    return attrs.evolve(domain, lower=lower, upper=upper)


def extended(box: Domain, rows: FloatArray) -> Domain:
    """The smallest box that holds a box and ``rows``."""
    lower, upper = np.minimum(box.lower, rows.min(axis=0)), np.maximum(box.upper, rows.max(axis=0))
    return attrs.evolve(box, lower=lower, upper=upper)
