"""An audit as SARIF: its structure is that of version 2.1.0, and what an audit finds is in it."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import attrs
import jsonschema
import pytest

from mex.app.audit.document import document
from mex.app.audit.running import Outcome
from mex.app.audit.sarif import RULES, sarif, write_sarif
from mex.registry.spec import Spec

MESSAGE = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
LOCATION = {
    "type": "object",
    "properties": {
        "physicalLocation": {
            "type": "object",
            "required": ["artifactLocation"],
            "properties": {
                "artifactLocation": {
                    "type": "object",
                    "properties": {"uri": {"type": "string", "format": "uri-reference", "pattern": "^[^ \\\\]+$"}},
                    "additionalProperties": False,
                }
            },
            "additionalProperties": False,
        },
        "logicalLocations": {"type": "array", "uniqueItems": True, "items": {"required": ["name"]}},
    },
    "additionalProperties": False,
}
LOG = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"enum": ["2.1.0"]},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool"],
                "properties": {
                    "tool": {"required": ["driver"], "properties": {"driver": {"required": ["name"]}}},
                    "invocations": {"items": {"required": ["executionSuccessful"]}},
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["message"],
                            "properties": {
                                "ruleId": {"type": "string"},
                                "ruleIndex": {"type": "integer", "minimum": 0},
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "message": MESSAGE,
                                "locations": {"type": "array", "minItems": 1, "items": LOCATION},
                                "partialFingerprints": {"additionalProperties": {"type": "string"}},
                            },
                            "additionalProperties": False,
                        },
                    },
                },
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
}
"""What the schema of SARIF 2.1.0 asks of the objects that an audit writes: sections 3.13 to 3.30."""


@pytest.fixture(scope="module")
def told(outcome: Outcome) -> dict[str, Any]:
    return document(outcome)


def results(log: dict[str, Any]) -> list[dict[str, Any]]:
    (run,) = log["runs"]
    found: list[dict[str, Any]] = run["results"]
    return found


def test_the_log_is_of_its_form_and_each_result_names_a_rule(
    outcome: Outcome, told: dict[str, Any], tmp_path: Path
) -> None:
    write_sarif(tmp_path / "a.sarif", told, outcome.subject, ["pivot: queries_to_0.99 < 5000: it is 40 in seed 0"])
    log = json.loads((tmp_path / "a.sarif").read_text(encoding="utf-8"))
    jsonschema.validate(log, LOG, format_checker=jsonschema.FormatChecker())
    rules = [rule["id"] for rule in log["runs"][0]["tool"]["driver"]["rules"]]
    assert len(rules) == len(set(rules))
    assert set(RULES) <= set(rules)
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in results(log))


def test_a_broken_requirement_is_an_error_and_what_was_not_judged_is_told(
    outcome: Outcome, told: dict[str, Any]
) -> None:
    levels = {
        result["message"]["text"]: result["level"] for result in results(sarif(told, outcome.subject, ["broken"]))
    }
    assert levels["broken"] == "error"
    assert all(levels[finding["sentence"]] == "warning" for finding in told["findings"])
    assert sum(level == "warning" and text.startswith("Where") for text, level in levels.items()) == 2
    late = sarif({**told, "unjudged": ["pivot (label)"]}, outcome.subject, [])
    assert any(r["ruleId"] == "not-judged" and "pivot" in r["message"]["text"] for r in results(late))
    assert not any(r["level"] == "error" for r in results(late))


@pytest.mark.parametrize(
    ("params", "uri"),
    [
        ({"path": "my models/a.skops"}, "my%20models/a.skops"),
        ({"url": "https://x.org/v2?a=b c"}, "https://x.org/v2?a=b%20c"),
    ],
)
def test_results_are_located_in_the_file_or_at_the_address(
    outcome: Outcome, told: dict[str, Any], params: dict[str, str], uri: str
) -> None:
    elsewhere = attrs.evolve(outcome.subject, model=Spec("any", params))
    places = [
        r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in results(sarif(told, elsewhere, []))
    ]
    assert places
    assert set(places) == {uri}


def test_a_result_is_the_same_one_when_only_its_numbers_moved(outcome: Outcome, told: dict[str, Any]) -> None:
    later = copy.deepcopy(told)
    later["verdict"] = [sentence.replace("0.99", "0.95") for sentence in told["verdict"]]
    marks = [[r["partialFingerprints"] for r in results(sarif(t, outcome.subject, []))] for t in (told, later)]
    assert marks[0] == marks[1]
    assert len({mark["mex/v1"] for mark in marks[0]}) == len(marks[0])
