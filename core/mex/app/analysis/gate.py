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

from mex.app.analysis.aggregate import Comparison, Group
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


@attrs.frozen
class Condition:
    """``FIELD < NUMBER`` over the medians of a group of cells; the gate fails where it holds.

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

    def holds(self, group: Group) -> bool:
        """Whether the median over seeds meets the condition; what was never reached is infinite."""
        estimate = group.median(self.field)
        return estimate is not None and self.compare(estimate.value, self.number)


def _number(text: str) -> float | None:
    """A number of a condition; None if it is none, and NaN is none: no gate would hold."""
    try:
        number = float(text)
    except ValueError:
        return None
    return None if math.isnan(number) else number


def violations(found: Sequence[Comparison], conditions: Sequence[Condition]) -> list[tuple[Comparison, Group, str]]:
    """The groups that meet a condition, each with a sentence that says by what."""
    return [
        (comparison, group, sentence)
        for comparison in found
        for group in comparison.groups.values()
        for sentence in _sentences(group, conditions)
    ]


def _sentences(group: Group, conditions: Sequence[Condition]) -> list[str]:
    met = [condition for condition in conditions if condition.holds(group)]
    return [f"{c.text}: {c.field} is {estimate.value:.6g}" for c in met if (estimate := group.median(c.field))]


def write_junit(path: Path, found: Sequence[Comparison], conditions: Sequence[Condition]) -> None:
    """Write the matrix as JUnit test cases, one per attack, defense, model and dataset.

    A case fails where a condition holds, errs where no cell ran for a failure, and is skipped with its reason.

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
            if bad:
                count["errors"] += 1
                ElementTree.SubElement(case, "error", message=_printable(bad["reason"]))
            elif not group.ran:
                count["skipped"] += 1
                ElementTree.SubElement(case, "skipped", message=_printable(group.records[0]["reason"]))
            elif sentences := _sentences(group, conditions):
                count["failures"] += 1
                ElementTree.SubElement(case, "failure", message=_printable("; ".join(sentences)))
        suite.attrib.update({key: str(value) for key, value in count.items()})
    ElementTree.indent(suites)
    try:
        ElementTree.ElementTree(suites).write(path, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None


_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _printable(text: str | None) -> str:
    """Without the characters that XML has no way to write."""
    return _UNWRITABLE.sub("", text or "")
