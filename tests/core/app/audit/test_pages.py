"""The pages of an audit: one document, checked against its schema, in three forms that say the same."""

from __future__ import annotations

import base64
import copy
import hashlib
import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import mex
from mex.app.analysis.gate import Gate
from mex.app.audit.blocks import Curves, Table, TradeOff
from mex.app.audit.comparing import changes, read_document
from mex.app.audit.content import sections
from mex.app.audit.document import SCHEMA, document, dumped
from mex.app.audit.gating import compared, required
from mex.app.audit.markdown import markdown
from mex.app.audit.page import page
from mex.app.audit.running import Outcome
from mex.app.audit.text import factor_text
from mex.app.audit.verdict import verdict


@pytest.fixture(scope="module")
def told(outcome: Outcome) -> dict[str, Any]:
    return document(outcome)


def test_the_document_is_what_its_schema_says(told: dict[str, Any]) -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(dumped(told)), schema)
    assert set(schema["required"]) == set(told)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.outside += [v for k, v in attributes if k in ("src", "href") and v and not v.startswith(("#", "data:"))]
        if tag not in ("meta", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_asks_for_nothing_else(told: dict[str, Any]) -> None:
    tags = _Tags()
    text = page(told)
    tags.feed(re.sub(r"<(line|path|circle)([^>]*)/>", r"<\1\2></\1>", text))
    assert tags.open == []
    assert tags.outside == []
    assert len(text) < 2_000_000
    (script,) = re.findall(r"<script>(.*?)</script>", text, flags=re.DOTALL)
    own = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{own}'" in text


def test_all_forms_say_the_same(told: dict[str, Any]) -> None:
    as_html, as_markdown = html.unescape(page(told)), markdown(told).replace("\\", "")
    for sentence in [*told["verdict"], *told["limits"], *told["resolution"]]:
        assert sentence in as_html
        assert " ".join(sentence.split()) in as_markdown
    for section in sections(told):
        for part in section.parts:
            if isinstance(part, Table):
                assert all(cell in as_html for row in part.rows for cell in row)
            if isinstance(part, Curves):
                names = [name for chart in part.charts for name, _ in chart.lines]
                assert names
                assert all(name in as_html and name in as_markdown for name in names)
            if isinstance(part, TradeOff):
                assert all(defense.name in as_markdown for defense in part.defenses)
                assert as_html.count('class="leader"') == len(part.defenses) > 1


def test_nothing_that_a_model_or_a_server_says_becomes_markup(told: dict[str, Any]) -> None:
    evil = copy.deepcopy(told)
    evil["subject"]["model"] = evil["subject"]["name"] = "<script>alert(1)</script>"
    evil["findings"].append({"kind": "x", "sentence": "<img src=x onerror=alert(1)> | a", "evidence": "`b`"})
    assert page(evil).count("<script") == page(told).count("<script") == 1
    assert "<img" not in page(evil)
    assert "\\<img" in markdown(evil)


def test_of_a_model_that_answers_by_chance_the_verdict_says_what_an_agreement_means(told: dict[str, Any]) -> None:
    assert told["varies"] == {}
    (said,) = [s for s in verdict({**told, "varies": {"proba": 1.0, "label": 0.1}}) if "asked again" in s]
    assert said.startswith("The model itself gives 10 % of rows other labels when they are asked again: no copy")
    assert "on more than about 95 % of rows" in said


def test_what_a_defense_buys_is_no_number_where_attacks_on_it_came_to_no_result(told: dict[str, Any]) -> None:
    trade = {**told["defenses"][0], "factor": {"median": 22.8, "low": 22.8, "high": None}, "at_least": 71.4}
    assert factor_text({**trade, "missing": []}) == "22.8 (22.8 to over 71.4)"
    assert factor_text({**trade, "missing": ["pivot"]}) == "not known"


def test_standards_say_what_is_shown_and_what_is_not(told: dict[str, Any]) -> None:
    entries = {entry["entry"]: entry for entry in told["mappings"]}
    assert {"11.2.2", "11.3.1", "11.3.2"} <= set(entries)
    assert any(entry["framework"].startswith("NIST AI 100-2") for entry in told["mappings"])
    act = next(entry for entry in told["mappings"] if "Article 15" in entry["framework"])
    assert f"Budget: {told['depth']['budget']} queries" in act["shows"]
    assert "Cap:" in act["shows"]
    assert "reacted" in act["shows"]
    assert all(entry["does_not_show"] for entry in told["mappings"])


def test_an_audit_compared_with_itself_has_not_changed(told: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "audit.json"
    path.write_text(dumped(told), encoding="utf-8")
    assert changes(read_document(path), told) == []


def test_a_change_is_told_only_where_intervals_lie_apart(told: dict[str, Any]) -> None:
    later = copy.deepcopy(told)
    at = later["thieves"][0]["levels"]["0.95"]
    at["queries"] = {end: 10 * (told["thieves"][0]["levels"]["0.95"]["queries"][end] or 100) for end in at["queries"]}
    later["recommendation"]["defense"] = "no such"
    later["findings"] = []
    said = " ".join(changes(told, later))
    assert "0.95 took" in said
    assert "is no such now" in said
    assert "found no more" in said
    at["queries"]["low"] = told["thieves"][0]["levels"]["0.95"]["queries"]["low"]
    assert "0.95 took" not in " ".join(changes(told, later))


@pytest.mark.parametrize(("text", "sentence"), [("{}", "no audit of this version"), ("{", "is no JSON")])
def test_what_is_no_audit_is_a_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text(text, encoding="utf-8")
    with pytest.raises(mex.UsageError, match=sentence):
        read_document(tmp_path / "old.json")


def test_a_requirement_fails_where_an_attack_needs_less_in_any_seed(outcome: Outcome) -> None:
    found = [compared(outcome)]
    broken = required(["queries_to_0.95 >= 5000"]).violations(found)
    assert any(group.attack.startswith("equation-solving") or "equation" in str(pair) for _, group, pair in broken)
    assert required(["queries_to_0.95 >= 1"]).violations(found) == []
    assert isinstance(required([]), Gate)
    with pytest.raises(mex.UsageError, match="a requirement is"):
        required(["queries_to_0.95"])
