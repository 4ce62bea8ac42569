"""Samplers: where candidate queries come from. Attacks take one by its name, as a parameter.

Whatever a sampler draws the interface accepts: integers stay whole, one-hot groups stay one-hot. A plugin adds one by
``mex.Component("sampler", name, "package.module:Class", summary)``; all attacks with a sampler take it.
"""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

import attrs
import numpy as np

from mex.domain import Domain
from mex.errors import Incompatible, UsageError, suggest
from mex.hooks import extension, extensions
from mex.knowledge import Knowledge
from mex.params import Check, doc
from mex.types import FloatArray


class Sampler(Protocol):
    """Draws rows that the interface accepts, given what the attacker knows.

    Attributes:
        needs_pool: whether it draws from the pool; a scenario that grants none is skipped then.
    """

    needs_pool: ClassVar[bool]

    def draw(self, known: Knowledge, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw ``n`` rows, shape (n, d)."""
        ...


@attrs.frozen
class Uniform:
    """Rows uniform on the domain."""

    needs_pool: ClassVar[bool] = False

    def draw(self, known: Knowledge, n: int, rng: np.random.Generator) -> FloatArray:
        return known.domain.sample(n, rng)


@attrs.frozen
class Pool:
    """Rows of the pool, each once in random order, then each again in another order."""

    needs_pool: ClassVar[bool] = True

    def draw(self, known: Knowledge, n: int, rng: np.random.Generator) -> FloatArray:
        pool = _pool(known)
        passes = -(-n // len(pool))
        order = np.concatenate([rng.permutation(len(pool)) for _ in range(passes)])
        return np.asarray(pool[order[:n]])


@attrs.frozen
class NearData:
    """Rows between two rows of the pool (:func:`between_rows`)."""

    needs_pool: ClassVar[bool] = True

    def draw(self, known: Knowledge, n: int, rng: np.random.Generator) -> FloatArray:
        return between_rows(_pool(known), known.domain, n, rng, crossover=known.family.axis_parallel)


@attrs.frozen
class Mixed:
    """Rows near the data and uniform rows, alternating."""

    needs_pool: ClassVar[bool] = True

    def draw(self, known: Knowledge, n: int, rng: np.random.Generator) -> FloatArray:
        X = NearData().draw(known, n, rng)
        X[1::2] = Uniform().draw(known, n // 2, rng)
        return X


SAMPLERS: dict[str, type[Sampler]] = {"uniform": Uniform, "pool": Pool, "near": NearData, "mixed": Mixed}


def sampler(name: str) -> Sampler:
    """The sampler called ``name``: uniform, pool, near or mixed, or one of a plugin.

    Raises:
        UsageError: for another name.
    """
    if name in SAMPLERS:
        return SAMPLERS[name]()
    if name not in (theirs := extensions("sampler")):
        raise UsageError(f"no sampler named {name!r}{suggest(name, [*SAMPLERS, *theirs])}")
    drawn: Sampler = extension("sampler", name)()
    return drawn


def granted(attack: str, name: str, known: Knowledge, *, endless: bool) -> Sampler:
    """The sampler called ``name``, if the scenario grants what it needs; ``attack`` names the attack in the error.

    Raises:
        Incompatible: if the sampler draws from a pool and there is none, or if the attack is ``endless``, so that
            only a budget ends it, and there is none.
    """
    found = sampler(name)
    if found.needs_pool and (known.pool is None or len(known.pool) == 0):
        raise Incompatible(f"{attack} draws from the pool, and this scenario grants none; give it sampler=uniform")
    if endless and known.budget is None:
        raise Incompatible(f"{attack} asks until a budget is spent, and this scenario sets none")
    return found


def a_sampler() -> Check:
    """The name of a sampler: one of ours, or of a plugin."""
    return Check(
        f"one of {', '.join(SAMPLERS)}, or a sampler of a plugin",
        lambda v: isinstance(v, str) and (v in SAMPLERS or v in extensions("sampler")),
        {"type": "string"},
    )


def sampler_parameter(default: str, meaning: str = "where the candidates come from") -> Any:
    """The parameter ``sampler`` of an attack."""
    return attrs.field(default=default, validator=a_sampler(), metadata=doc(meaning))


def between_rows(
    rows: FloatArray, domain: Domain, n: int, rng: np.random.Generator, *, crossover: bool = False
) -> FloatArray:
    """Draw ``n`` rows between random pairs of ``rows``, shape (n, d).

    Continuous features are convex combinations with one weight per row; each integer feature and one-hot group is
    that of one row of the pair, at random. With ``crossover`` each continuous feature is so as well.
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
