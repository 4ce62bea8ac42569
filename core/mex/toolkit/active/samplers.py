"""Where candidate queries come from: a value of its own, apart from an attack's strategy.

It moved results more than the strategy did, so attacks take one as a parameter. Whatever a sampler
draws, a real interface accepts: integers stay whole and one-hot groups stay one-hot.
"""

from __future__ import annotations

from typing import Protocol

import attrs
import numpy as np

from mex.domain import Domain
from mex.errors import Incompatible, UsageError, suggest
from mex.knowledge import Knowledge
from mex.types import FloatArray

AXIS_PARALLEL = ("tree", "forest", "boosted")
"""The classes with boundaries parallel to the axes: near the data are for them coordinates of different rows."""


class Sampler(Protocol):
    """Draws rows that the interface accepts, given what the attacker knows."""

    def draw(self, known: Knowledge, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw ``n`` rows, shape (n, d)."""
        ...


@attrs.frozen
class Uniform:
    """Uniform on the domain."""

    def draw(self, known: Knowledge, n: int, rng: np.random.Generator) -> FloatArray:
        return known.domain.sample(n, rng)


@attrs.frozen
class Pool:
    """Rows of the pool: each once in random order, then again in another order."""

    def draw(self, known: Knowledge, n: int, rng: np.random.Generator) -> FloatArray:
        pool = _pool(known)
        rounds = -(-n // len(pool))
        order = np.concatenate([rng.permutation(len(pool)) for _ in range(rounds)])
        return np.asarray(pool[order[:n]])


@attrs.frozen
class NearData:
    """Between two rows of the pool (:func:`between_rows`)."""

    def draw(self, known: Knowledge, n: int, rng: np.random.Generator) -> FloatArray:
        return between_rows(_pool(known), known.domain, n, rng, crossover=known.family.kind in AXIS_PARALLEL)


@attrs.frozen
class Mixed:
    """Half near the data, half uniform, in turn."""

    def draw(self, known: Knowledge, n: int, rng: np.random.Generator) -> FloatArray:
        X = NearData().draw(known, n, rng)
        X[1::2] = Uniform().draw(known, n // 2, rng)
        return X


SAMPLERS: dict[str, type[Sampler]] = {"uniform": Uniform, "pool": Pool, "near": NearData, "mixed": Mixed}


def sampler(name: str) -> Sampler:
    """The sampler called ``name``: uniform, pool, near or mixed."""
    if name not in SAMPLERS:
        raise UsageError(f"no sampler named {name!r}{suggest(name, SAMPLERS)}")
    return SAMPLERS[name]()


def between_rows(
    rows: FloatArray, domain: Domain, n: int, rng: np.random.Generator, *, crossover: bool = False
) -> FloatArray:
    """Draw ``n`` points between random pairs of ``rows``, shape (n, d).

    Continuous features are a convex combination with one weight per point; integer features and one-hot
    groups come whole from either row of the pair. With ``crossover`` every feature does, as suits
    axis-parallel models.
    """
    a, b = rows[rng.integers(len(rows), size=n)], rows[rng.integers(len(rows), size=n)]
    X = b + rng.random((n, 1)) * (a - b)
    units = domain.units()
    if not crossover:
        units = [u for u in units if len(u) > 1 or domain.integer[u[0]]]
    if units:
        first = rng.random((n, len(units))) < 0.5
        columns = np.concatenate([np.array(u) for u in units])
        take_a = np.repeat(first, [len(u) for u in units], axis=1)
        X[:, columns] = np.where(take_a, a[:, columns], b[:, columns])
    return X


def _pool(known: Knowledge) -> FloatArray:
    if known.pool is None or len(known.pool) == 0:
        raise Incompatible("this sampler draws from the pool, and this scenario grants none")
    return known.pool
