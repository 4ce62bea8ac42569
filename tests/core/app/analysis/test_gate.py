"""A condition that no attack may meet, and its JUnit file."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from records import measured, two_attacks

import mex
from mex.app.analysis.aggregate import Comparison, compare
from mex.app.analysis.gate import Condition, violations, write_junit


@pytest.fixture
def found() -> list[Comparison]:
    return compare(two_attacks())


@pytest.mark.parametrize(
    ("condition", "named"),
    [
        ("queries_to_0.99 < 500", ["a none", "b none"]),
        ("queries_to_0.99 < 50", []),
        ("agreement >= 0.9", ["a none", "a noise", "b none"]),
        ("usd_to_0.9<=0.01", ["a none"]),
    ],
)
def test_a_gate_names_the_pairs_that_meet_it(found: list[Comparison], condition: str, named: list[str]) -> None:
    met = violations(found, [Condition.parse(condition)])
    assert [f"{group.attack} {group.defense}" for _, group, _ in met] == named


@pytest.mark.parametrize(
    "text",
    ["", "agreement", "agreement = 1", "nonsense < 1", "queries_to_2 < 3", "agreement < x", "agreement < nan", 5],
)
def test_a_gate_that_is_none_is_one_sentence(text: object) -> None:
    with pytest.raises(mex.UsageError, match="a gate is FIELD < NUMBER"):
        Condition.parse(text)


def test_junit_has_a_case_per_pair(found: list[Comparison], tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    write_junit(path, found, [Condition.parse("agreement > 0.95")])
    (suite,) = ElementTree.parse(path).getroot()
    assert suite.attrib == {"name": "m on d", "tests": "4", "failures": "2", "errors": "0", "skipped": "1"}
    assert [[child.tag for child in case] for case in suite] == [["failure"], [], ["failure"], ["skipped"]]
    assert suite[0][0].attrib["message"] == "agreement > 0.95: agreement is 1"
    assert suite[3][0].attrib["message"] == "b & noise <do> not go"


def test_junit_is_well_formed_whatever_a_component_is_called(tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    write_junit(path, compare([measured("a\0\udce9", "<none> & co", 0, [(8, 0.5)], model="\x1b", dataset="]]>")]), [])
    (suite,) = ElementTree.parse(path).getroot()
    assert suite.attrib["name"] == " on ]]>"
    assert suite[0].attrib["name"] == "a"
