"""The parameters that attacks in batches have in common, each with a default of the attack's own.

A component declares them as fields: ``start: int = schedule.start(20)``.
"""

from __future__ import annotations

from typing import Any

import attrs

from mex.params import between, doc, whole


@attrs.frozen(kw_only=True)
class Schedule:
    """How many rows an attack asks when, and where its candidates come from.

    Attributes:
        sampler: the sampler of the candidates; ``pool`` asks each row of the pool once, and ends with the last.
        start: random rows to ask first, and again as long as all answers are of one class.
        batch, growth: rows of a batch: ``batch``, or ``growth`` times the answers so far if that is more. With a
            ``growth`` above 0 the time of all fits together is proportional to that of the last.
        explore: the share of each batch that is random.
        candidates: rows to choose a batch from, unless they are the pool.
    """

    sampler: str
    start: int
    batch: int
    growth: float = 0.0
    explore: float = 0.0
    candidates: int

    @classmethod
    def of(cls, attack: Any) -> Schedule:
        """The schedule of an attack that has all these parameters."""
        return cls(**{field.name: getattr(attack, field.name) for field in attrs.fields(cls)})


def start(default: int, least: int = 2) -> Any:
    """The parameter ``start``."""
    return attrs.field(default=default, validator=whole(least), metadata=doc("random rows to ask first"))


def batch(default: int) -> Any:
    """The parameter ``batch``."""
    return attrs.field(default=default, validator=whole(1), metadata=doc("fewest rows of a batch"))


def growth(default: float) -> Any:
    """The parameter ``growth``."""
    meaning = "rows of a batch as a share of the answers so far, if that is more"
    return attrs.field(default=default, validator=between(0, 10), metadata=doc(meaning))


def explore(default: float) -> Any:
    """The parameter ``explore``."""
    return attrs.field(default=default, validator=between(0, 1), metadata=doc("share of a batch that is random"))


def candidates(default: int) -> Any:
    """The parameter ``candidates``."""
    meaning = "rows to choose each batch from, unless they are the pool"
    return attrs.field(default=default, validator=whole(1), metadata=doc(meaning))
