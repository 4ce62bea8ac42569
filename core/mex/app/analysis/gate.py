"""The matrix as a gate: a condition that no attack may meet, for a team's own CI."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import attrs

from mex.app.analysis.aggregate import Comparison
from mex.app.analysis.group import FEWER, Group, value_of
from mex.app.analysis.numbers import shown
from mex.app.analysis.statistics import median
from mex.app.files import replacing
from mex.app.matrix.record import DERIVED, MEASURED
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

        One whose time was over might have got further: of it counts only that the condition is met.
        """
        measured = (r for r in group.records if r["status"] != "skipped" and r["agreement"] is not None)
        found = {r["seed"]: (value_of(r, self.field), r["stopped"] == "time") for r in measured}
        return {
            seed: value
            for seed, (value, cut) in found.items()
            if value is not None and not (cut and not self.compare(value, self.number))
        }


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


def write_junit(path: Path, found: Sequence[Comparison], gate: Gate, unjudged: Sequence[str] = ()) -> None:
    """Write the matrix as JUnit test cases, one per attack, defense, model and dataset.

    A case fails where a condition holds, errs where no cell ran for a failure, and is skipped with its reason. Each
    sentence of ``unjudged``, on what no cell tells, is a case that errs.

    Raises:
        UsageError: if the file cannot be written.
    """
    suites = ElementTree.Element("testsuites", name="mex")
    for comparison in found:
        name = _printable(comparison.title)
        suite = ElementTree.SubElement(suites, "testsuite", name=name)
        count = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
        for group in comparison.groups.values():
            count["tests"] += 1
            seconds = sum(record["seconds"] or 0.0 for record in group.ran)
            place = _printable(f"{comparison.model}.{comparison.dataset}.{group.defense}")
            names = {"classname": place, "name": _printable(group.attack), "time": f"{seconds:.3f}"}
            case = ElementTree.SubElement(suite, "testcase", names)
            bad = next((r for r in group.records if r["status"] == "failed"), None)
            if sentences := gate.sentences(group):
                count["failures"] += 1
                ElementTree.SubElement(case, "failure", message=_printable("; ".join(sentences)))
            elif bad:
                count["errors"] += 1
                ElementTree.SubElement(case, "error", message=_printable(bad["reason"]))
            elif not group.ran:
                count["skipped"] += 1
                ElementTree.SubElement(case, "skipped", message=_printable(group.records[0]["reason"]))
        suite.attrib.update({key: str(value) for key, value in count.items()})
    if unjudged:
        size = str(len(unjudged))
        suite = ElementTree.SubElement(suites, "testsuite", name="not judged", tests=size, errors=size)
        for sentence in unjudged:
            case = ElementTree.SubElement(suite, "testcase", classname="gate", name="all is judged")
            ElementTree.SubElement(case, "error", message=_printable(sentence))
    ElementTree.indent(suites)
    with replacing(path) as part:
        ElementTree.ElementTree(suites).write(part, encoding="utf-8", xml_declaration=True)


_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _printable(text: str | None) -> str:
    """Without the characters that XML has no way to write."""
    return _UNWRITABLE.sub("", text or "")
