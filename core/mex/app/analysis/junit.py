"""The matrix as JUnit test cases, which the CI of a team shows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from mex.app.analysis.aggregate import Comparison
from mex.app.analysis.gate import Gate
from mex.app.files import replacing


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
