"""An audit as a gate: it passes where its attacks were judged and none breaks it, and nowhere else."""

from __future__ import annotations

import argparse
from pathlib import Path
from xml.etree import ElementTree

import attrs
import pytest
from audited import of
from records import points

from mex.app.analysis.group import Group
from mex.app.audit.document import document
from mex.app.audit.gating import required
from mex.app.audit.running import Outcome
from mex.app.audit.subject import Subject
from mex.app.cli.audited import judged

NO_FILES = argparse.Namespace(junit=None, sarif=None)


def code(outcome: Outcome, *requirements: str) -> int:
    return judged(NO_FILES, outcome, document(outcome), required(requirements))


@pytest.fixture(scope="module")
def late(outcome: Outcome) -> Outcome:
    """The same audit, one of its attacks not judged."""
    (pivot,) = {m.choice for m in outcome.judged if m.choice.label == "pivot"}
    judged_else = [m for m in outcome.judged if m.choice != pivot]
    left = of(outcome, slow=[pivot], judged=judged_else)
    assert [c.label for c in left.unjudged] == ["pivot"]
    return left


def test_it_passes_where_none_breaks_it_and_fails_where_one_does(outcome: Outcome) -> None:
    assert not outcome.unjudged
    assert code(outcome, "queries_to_0.95 >= 2") == 0
    assert code(outcome, "queries_to_0.95 >= 1000") == 3
    assert code(outcome) == 0


def test_it_does_not_pass_while_an_attack_that_applies_was_not_judged(
    late: Outcome, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code(late, "queries_to_0.95 >= 2") == 4, "the one that is missing may break it"
    said = capsys.readouterr().err
    assert "1 attack not judged to the end may break it" in said
    assert "--minutes" in said
    assert code(late, "queries_to_0.95 >= 1000") == 3, "what others did is enough to break it"
    assert code(late) == 0, "no gate, nothing to pass"


def test_it_passes_where_what_was_ended_had_asked_more_rows_than_are_required(outcome: Outcome) -> None:
    (slow,) = (m for m in outcome.judged if m.choice.label == "passive" and m.choice.rows and m.choice.family)

    def ended_after(rows: int) -> Outcome:
        curve = points((rows // 2, 0.5), (rows, 0.5), (rows + 1, 0.5))
        changes = {"stopped": "time", "reason": "took longer than 5 seconds", "curve": curve}
        late = [{**record, **changes} for record in slow.group.ran]
        group = Group(slow.group.attack, slow.group.defense, late)
        others = [m for m in outcome.judged if m is not slow]
        return of(outcome, judged=[*others, attrs.evolve(slow, group=group)])

    assert [c.label for c in ended_after(4).unjudged] == ["passive"]
    assert code(ended_after(4), "queries_to_0.95 >= 4") == code(outcome, "queries_to_0.95 >= 4") == 0
    assert code(ended_after(4), "queries_to_0.95 >= 5") == 4, "its next row may be the one"


def test_the_test_cases_do_not_pass_either(late: Outcome, outcome: Outcome, tmp_path: Path) -> None:
    def errors(found: Outcome) -> int:
        path = tmp_path / "audit.xml"
        judged(argparse.Namespace(junit=path, sarif=None), found, document(found), required(["queries_to_0.95 >= 2"]))
        return len(ElementTree.parse(path).findall(".//error"))

    assert errors(late) == errors(outcome) + 1


def test_nor_where_nothing_was_judged(outcome: Outcome) -> None:
    assert code(attrs.evolve(outcome, judged=[]), "queries_to_0.95 >= 2") == 4


def test_nor_where_texts_may_be_written_and_the_verdict_says_so(
    outcome: Outcome, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not any("free text" in sentence for sentence in document(outcome)["verdict"])
    monkeypatch.setattr(Subject, "texts", ["review"])
    assert code(outcome, "queries_to_0.95 >= 2") == 4
    assert "attacks that write texts were not tried" in capsys.readouterr().err
    assert any("Column review holds free text" in sentence for sentence in document(outcome)["verdict"])
