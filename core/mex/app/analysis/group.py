"""The cells of one attack on one defended model, over seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal, cast

import attrs

from mex.app.analysis.statistics import Estimate, median, queries_to
from mex.app.matrix.record import Record, Status

FEWER = ("queries_to_", "usd_to_", "geometric_error")
"""How the fields begin of which an attacker is better off with less."""


def value_of(record: Record, field: str) -> float | None:
    """A number of a record: one of its fields, or ``queries_to_LEVEL`` or ``usd_to_LEVEL`` with any level.

    >>> value_of({"price_per_query": 0.01, "curve": [{"queries": 8, "agreement": 1.0}]}, "usd_to_0.99")
    0.08
    """
    what, to, level = field.partition("_to_")
    if not to:
        number: float | None = cast("Mapping[str, Any]", record)[field]
        return number
    queries = queries_to(record["curve"] or [], float(level))
    return queries * record["price_per_query"] if what == "usd" else queries


def least_of(record: Record, field: str) -> float | None:
    """The least that :func:`value_of` could be had the attack asked on; None for what may be anything then.

    The last point of a curve is where the attack was ended, and a longer curve need not have it.

    >>> curve = [{"queries": 8, "agreement": 0.7}, {"queries": 9, "agreement": 0.8}]
    >>> least_of({"price_per_query": 0.01, "curve": curve}, "queries_to_0.99")
    8.0
    """
    value, curve = value_of(record, field), record["curve"] or []
    if value is None or "_to_" not in field:
        return None
    asked = float(curve[-2]["queries"]) if len(curve) > 1 else 0.0
    return min(value, asked * record["price_per_query"] if field.startswith("usd") else asked)


def above_constant(record: Record, field: Literal["agreement", "uniform_agreement"] = "agreement") -> float | None:
    """How far an agreement is above a constant's: f*'s most common label on these points, or the mean of its values."""
    value, majority = record[field], record["majority" if field == "agreement" else "uniform_majority"]
    return None if value is None else value - (majority or 0.0)


@attrs.define(slots=False)
class Group:
    """The cells of one attack on one defended model and dataset, over seeds.

    Attributes:
        attack, defense: what the plan calls them; the attack with the kind of its answers, where there are several.
        records: one per seed.
        name: what the plan calls the attack.
    """

    attack: str
    defense: str
    records: list[Record] = attrs.field(factory=list, repr=False)
    _medians: dict[str, Estimate | None] = attrs.field(factory=dict, init=False, repr=False, eq=False)
    name: str = attrs.field(default=attrs.Factory(lambda self: self.attack, takes_self=True), repr=False)

    @cached_property
    def ran(self) -> list[Record]:
        """Those that came to a result."""
        return [record for record in self.records if record["status"] == "ok"]

    @property
    def status(self) -> Status:
        """``ok`` if any cell ran, else ``failed`` if any failed, else ``skipped``."""
        statuses = {record["status"] for record in self.records}
        return "ok" if "ok" in statuses else "failed" if "failed" in statuses else "skipped"

    @property
    def answers(self) -> str | None:
        """The kind of answers that the attack was shown."""
        return next((record["answers"] for record in self.ran), self.records[0]["answers"])

    @property
    def unchanged(self) -> bool:
        """Whether the defense did nothing that could be seen: it changed and refused nothing, and raised no alarm."""
        acts = ("answers_changed", "repeats_differ", "honest_refused", "false_alarms", "refused", "alarm")
        return not any(value_of(record, field) for record in self.ran for field in acts)

    @property
    def rows(self) -> int:
        """How many held-out rows agreement was measured on, in the seed where they were fewest."""
        return min((record["held_out"] or 1 for record in self.ran), default=1)

    @property
    def budget(self) -> int:
        """How many queries the attack had."""
        return max(record["budget"] for record in self.records)

    @property
    def below_constant(self) -> bool:
        """Whether the median of agreement is below what f*'s most common answer gets, always the same."""
        over = median([above_constant(record) for record in self.ran])
        return over is not None and over.value < 0

    def median(self, field: str) -> Estimate | None:
        """The median of a number of the records, as :func:`value_of` names them, and its interval."""
        if field not in self._medians:
            values = [value_of(record, field) for record in self.ran]
            self._medians[field] = median(values, fewer=field.startswith(FEWER))
        return self._medians[field]

    def reached(self, level: float) -> int:
        """In how many seeds the attack got to ``level``."""
        return sum(queries_to(record["curve"] or [], level) < math.inf for record in self.ran)
