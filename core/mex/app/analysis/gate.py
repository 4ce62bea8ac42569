"""The matrix as a gate: a condition that no attack may meet, for a team's own CI."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Sequence
from typing import Any

import attrs

from mex.app.analysis.aggregate import Comparison
from mex.app.analysis.group import FEWER, Group, least_of, value_of
from mex.app.analysis.numbers import shown
from mex.app.analysis.statistics import median
from mex.app.matrix.record import DERIVED, MEASURED, Record
from mex.errors import UsageError

OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
FIELDS = (*MEASURED, *(name for name in DERIVED if name.endswith("_to_LEVEL")))
_FORM = re.compile(r"\s*(?P<field>\w+?(?P<level>_to_(0?\.\d+|1(\.0*)?))?)\s*(?P<sign><=|>=|<|>)\s*(?P<number>\S+)\s*")


ON = ("any", "median")
"""What a gate judges: the seed where the attack did best, or the median over seeds."""


@attrs.frozen
class Condition:
    """``FIELD < NUMBER``.

    >>> Condition.parse("queries_to_0.99 < 500").field
    'queries_to_0.99'
    """

    text: str
    field: str
    compare: Callable[[float, float], bool] = attrs.field(repr=False)
    number: float

    @property
    def on_few(self) -> bool:
        """Whether it holds of small numbers."""
        return self.compare(-math.inf, math.inf)

    @classmethod
    def parse(cls, text: Any) -> Condition:
        """Read a condition.

        Raises:
            UsageError: if it is not of that form.
        """
        match = _FORM.fullmatch(text) if isinstance(text, str) else None
        if match:
            field, number = match["field"], _number(match["number"])
            form = field.replace(match["level"], "_to_LEVEL") if match["level"] else field
            if form in FIELDS and number is not None:
                return cls(text.strip(), field, OPERATORS[match["sign"]], number)
        raise UsageError(f"a gate is FIELD < NUMBER (or <=, >, >=) with FIELD one of {', '.join(FIELDS)}, not {text!r}")

    def values(self, group: Group) -> dict[int, float]:
        """What there is to judge, by seed: infinite if never, and also of an attack that the target's failure ended.

        One whose time was over might have got further: it counts only where more time would change nothing.
        """
        measured = (r for r in group.records if r["status"] != "skipped" and r["agreement"] is not None)
        return {r["seed"]: value for r in measured if (value := value_of(r, self.field)) is not None and self._sure(r)}

    def undecided(self, group: Group) -> bool:
        """Whether a seed has no value yet that may meet the condition: it failed, or its time was over too early."""
        values = self.values(group)
        missing = (r for r in group.records if r["status"] != "skipped" and r["seed"] not in values)
        return any(r["agreement"] is None or value_of(r, self.field) is not None for r in missing)

    def _sure(self, record: Record) -> bool:
        """Whether the condition holds, or could not hold with more time either."""
        value, least = value_of(record, self.field), least_of(record, self.field)
        if record["stopped"] != "time" or value is None or self.compare(value, self.number):
            return True
        return least is not None and self.on_few and not self.compare(least, self.number)


@attrs.frozen
class Gate:
    """Conditions that no attack may meet, in any seed or in the median over seeds."""

    conditions: Sequence[Condition] = ()
    on: str = "any"

    @classmethod
    def parse(cls, texts: Sequence[Any], on: str = "any") -> Gate:
        """Read conditions.

        Raises:
            UsageError: if one is none, or ``on`` is not one of :data:`ON`.
        """
        if on not in ON:
            raise UsageError(f"a gate judges {' or '.join(ON)}, not {on!r}")
        return cls([Condition.parse(text) for text in texts], on)

    def violations(self, found: Sequence[Comparison]) -> list[tuple[Comparison, Group, str]]:
        """The groups that meet a condition, each with a sentence that says by what."""
        return [
            (comparison, group, sentence)
            for comparison in found
            for group in comparison.groups.values()
            for sentence in self.sentences(group)
        ]

    def sentences(self, group: Group) -> list[str]:
        """By what the cells of a group meet conditions."""
        return [sentence for condition in self.conditions if (sentence := self._sentence(condition, group))]

    def _sentence(self, condition: Condition, group: Group) -> str | None:
        values = condition.values(group)
        if self.on == "median":
            estimate = median(list(values.values()), fewer=condition.field.startswith(FEWER))
            met = estimate is not None and condition.compare(estimate.value, condition.number)
            said = estimate and shown(condition.field, estimate.value, group.rows)
            return f"{condition.text}: the median is {said}" if met else None
        seeds = {seed: value for seed, value in values.items() if condition.compare(value, condition.number)}
        if not seeds:
            return None
        first = next(iter(seeds))
        others = f", and in {len(seeds) - 1} more of {len(values)} seeds" if len(seeds) > 1 else ""
        return f"{condition.text}: it is {shown(condition.field, seeds[first], group.rows)} in seed {first}{others}"

    def undecided(self, group: Group) -> bool:
        """Whether a condition may be met yet by a cell that failed, or whose time was over."""
        return any(condition.undecided(group) for condition in self.conditions)

    def unjudged(self, found: Sequence[Comparison]) -> list[str]:
        """The conditions for which no cell has a value."""
        groups = [group for comparison in found for group in comparison.groups.values()]
        return [condition.text for condition in self.conditions if not any(map(condition.values, groups))]


def _number(text: str) -> float | None:
    """A number of a condition; None if it is none, and NaN is none: no gate would hold."""
    try:
        number = float(text)
    except ValueError:
        return None
    return None if math.isnan(number) else number
