"""A condition that no attack may meet, and its JUnit file."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from records import measured, record, two_attacks

import mex
from mex.app.analysis.aggregate import Comparison, compare
from mex.app.analysis.gate import Condition, Gate, write_junit
from mex.app.matrix.json_lines import unfinished


@pytest.fixture
def found() -> list[Comparison]:
    return compare(two_attacks())


@pytest.mark.parametrize(
    ("condition", "on", "named"),
    [
        ("queries_to_0.99 < 500", "any", ["a none", "b none"]),
        ("queries_to_0.99 < 50", "any", []),
        ("agreement >= 0.9", "any", ["a none", "a noise", "b none"]),
        ("agreement > 0.915", "any", ["a none", "a noise", "b none"]),
        ("agreement > 0.915", "median", ["a none", "b none"]),
        ("usd_to_0.9<=0.01", "any", ["a none"]),
    ],
)
def test_a_gate_names_the_pairs_that_meet_it(
    found: list[Comparison], condition: str, on: str, named: list[str]
) -> None:
    met = Gate.parse([condition], on).violations(found)
    assert [f"{group.attack} {group.defense}" for _, group, _ in met] == named


def test_one_stolen_seed_fails_the_gate_unless_the_median_is_asked_for() -> None:
    never, soon = [(10, 0.5), (100, 0.9)], [(10, 0.5), (50, 1.0)]
    found = compare([measured("a", "none", seed, curve) for seed, curve in enumerate([never, soon, never])])
    (met,) = Gate.parse(["queries_to_0.99 < 100"]).violations(found)
    assert met[2] == "queries_to_0.99 < 100: it is 48 in seed 1"
    assert not Gate.parse(["queries_to_0.99 < 100"], "median").violations(found)
    with pytest.raises(mex.UsageError, match="a gate judges any or median, not 'mean'"):
        Gate.parse([], "mean")


def test_what_an_attack_had_when_the_target_failed_is_judged_as_well() -> None:
    found = compare(
        [measured("a", "none", 0, [(10, 0.5), (50, 1.0)], status="failed", reason="it fell", stopped="failed")]
    )
    assert Gate.parse(["agreement > 0.99"]).violations(found)


@pytest.mark.parametrize(("reached", "met", "unjudged"), [(0.995, 1, 0), (0.9, 0, 1)])
def test_an_attack_whose_time_was_over_may_break_a_gate_and_never_lets_it_pass(
    reached: float, met: int, unjudged: int
) -> None:
    cut = record(status="failed", stopped="time", reason="took longer than 5 seconds", curve=[(8, 0.8), (16, reached)])
    gate = Gate.parse(["queries_to_0.99 < 500"])
    found = compare([cut])
    assert (len(gate.violations(found)), len(gate.unjudged(found))) == (met, unjudged)


def test_a_gate_says_what_it_could_not_judge(found: list[Comparison]) -> None:
    texts = ["queries_to_0.99 < 500", "alarm > 3"]
    assert Gate.parse(texts).unjudged(found) == ["alarm > 3"], "no defense here raises one"
    skipped = compare([unfinished(two_attacks()[0], "skipped", "they do not go together")])
    assert Gate.parse(texts).unjudged(skipped) == texts


@pytest.mark.parametrize(
    "text",
    ["", "agreement", "agreement = 1", "nonsense < 1", "queries_to_2 < 3", "agreement < x", "agreement < nan", 5],
)
def test_a_gate_that_is_none_is_one_sentence(text: object) -> None:
    with pytest.raises(mex.UsageError, match="a gate is FIELD < NUMBER"):
        Condition.parse(text)


def test_junit_has_a_case_per_pair(found: list[Comparison], tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    write_junit(path, found, Gate.parse(["agreement > 0.95"]))
    (suite,) = ElementTree.parse(path).getroot()
    assert suite.attrib == {"name": "m on d", "tests": "4", "failures": "2", "errors": "0", "skipped": "1"}
    assert [[child.tag for child in case] for case in suite] == [["failure"], [], ["failure"], ["skipped"]]
    assert suite[0][0].attrib["message"] == "agreement > 0.95: it is 1.00 in seed 0, and in 2 more of 3 seeds"
    assert suite[3][0].attrib["message"] == "b & noise <do> not go"


def test_junit_is_well_formed_whatever_a_component_is_called(tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    write_junit(
        path, compare([measured("a\0\udce9", "<none> & co", 0, [(8, 0.5)], model="\x1b", dataset="]]>")]), Gate()
    )
    (suite,) = ElementTree.parse(path).getroot()
    assert suite.attrib["name"] == " on ]]>"
    assert suite[0].attrib["name"] == "a"
