"""A condition that no attack may meet, and its JUnit file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

import pytest
from records import measured, record, two_attacks

import mex
from mex.app.analysis.aggregate import Comparison, compare
from mex.app.analysis.gate import Condition, Gate
from mex.app.analysis.junit import write_junit
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


@pytest.mark.parametrize(
    ("condition", "may_be_met"),
    [
        ("queries_to_0.99 < 500", False),  # 500 rows were not enough: no time makes them fewer
        ("queries_to_0.99 < 501", True),
        ("queries_to_0.99 <= 500", True),
        ("usd_to_0.99 < 0.05", False),
        ("usd_to_0.99 < 0.06", True),
        ("queries_to_0.8 < 500", False),  # met after 8
        ("queries_to_0.85 < 60", False),  # past it at the end, whatever comes then
        ("queries_to_0.99 > 600", False),  # never is more
        ("agreement > 0.95", True),
        ("geometric_error < 0.05", True),
    ],
)
def test_more_time_may_meet_a_condition_only_where_more_rows_can(condition: str, may_be_met: bool) -> None:
    curve = [(8, 0.8), (500, 0.9), (600, 0.9)]
    (found,) = compare([record(status="failed", stopped="time", reason="late", curve=curve, price_per_query=1e-4)])
    (group,) = found.groups.values()
    gate = Gate.parse([condition])
    assert gate.undecided(group) == may_be_met
    assert not (may_be_met and gate.violations([found]))


@pytest.mark.parametrize(("status", "may_be_met"), [("failed", True), ("skipped", False)])
def test_what_failed_may_have_met_a_condition_and_what_does_not_apply_may_not(
    status: Literal["failed", "skipped"], may_be_met: bool
) -> None:
    (found,) = compare([unfinished(two_attacks()[0], status, "no result")])
    (group,) = found.groups.values()
    assert Gate.parse(["queries_to_0.99 < 1"]).undecided(group) == may_be_met


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
