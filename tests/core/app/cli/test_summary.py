"""The forms in which a matrix is printed."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
from records import measured, record, two_attacks

import mex
from mex.app.analysis.aggregate import Comparison, compare
from mex.app.analysis.crosstab import BEST
from mex.app.analysis.tidy import ROW
from mex.app.cli.summary import print_comparisons, reasons
from mex.app.matrix.plan import Plan


@pytest.fixture
def found() -> list[Comparison]:
    return compare(two_attacks())


def test_on_a_terminal_there_is_a_grid_per_model_and_dataset(
    registry: mex.Registry, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "160")
    tables = {
        "attacks": ["passive", "margin"],
        "defenses": [f"bounded-noise:rho=0.{i}" for i in range(11, 19)],
        "models": ["logistic", "decision-tree"],
        "datasets": ["haberman"],
    }
    settings = {"budget": 20, "seeds": 1, "counters": False}
    plan = Plan.of({**tables, **settings}).resolve(registry)
    print_comparisons(compare(mex.matrix({**tables, **settings}, registry=registry), plan), curves=True)
    shown = re.sub(r"\x1b\[\d*m", "", capsys.readouterr().out)
    assert "logistic on haberman, accuracy 0." in shown
    assert "decision-tree on haberman, accuracy 0." in shown
    grids, short = shown.split("IN SHORT")
    assert all(grids.count(f"rho=0.{i}") == 2 for i in range(11, 19)), "defenses that do not fit go below"
    assert all(f"rho=0.{i}" in short for i in range(11, 19))
    assert max(map(len, shown.splitlines())) <= 100
    assert "█" in shown


def test_the_overview_names_the_best_attack_and_what_each_defense_costs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    print_comparisons(compare(two_attacks()), "table", level=0.9)
    grids, short = capsys.readouterr().out.split("IN SHORT")
    assert BEST in grids
    assert [line.split() for line in short.splitlines() if line.startswith(" n")] == [
        ["none", "a", "63", "-10", "pt"],
        ["noise", "a", "366", "(336–400)", "5.8", "(5.3–6.3)", "-10", "pt"],
    ]
    print_comparisons(compare(two_attacks()), "table", level=0.99)
    grids, short = capsys.readouterr().out.split("IN SHORT")
    assert "not in 400: 0.91 (.90–.92)" in short
    assert f"–{BEST}" not in grids, "what never gets there is not the winner"


def test_reasons_that_differ_in_their_numbers_are_one_line() -> None:
    told = [record(reason="3 of 8 wrong"), record(seed=1, reason="4 of 9 wrong"), record(seed=2)]
    assert reasons(told) == ["noted (2 cells), such as: 3 of 8 wrong"]
    skipped = record(status="skipped", reason="not today")
    assert reasons([skipped, *told[2:]]) == ["1 of 2 cells came to a result", "skipped (1 cell): not today"]


def test_labels_are_text_and_no_markup_of_anything(capsys: pytest.CaptureFixture[str]) -> None:
    found = compare([measured("[/a]", "[red]~^\\", 0, [(8, 0.5), (16, 1.0)])])
    print_comparisons(found, "table")
    shown = capsys.readouterr().out
    assert "[/a]" in shown
    assert "[red]~^\\" in shown
    print_comparisons(found, "latex")
    assert r"{[}red]\~{}\^{}\textbackslash{}" in capsys.readouterr().out


@pytest.mark.parametrize("form", ["markdown", "latex", "csv", "tsv", "json"])
def test_each_form_holds_every_pair(found: list[Comparison], capsys: pytest.CaptureFixture[str], form: str) -> None:
    print_comparisons(found, form)
    out = capsys.readouterr().out
    if form in ("csv", "tsv"):
        rows = list(csv.DictReader(io.StringIO(out), delimiter="," if form == "csv" else "\t"))
    elif form == "json":
        rows = json.loads(out)
    else:
        assert out.count("0.91 ") == 1
        assert all(word in out for word in ("none", "noise", "skipped", "multiplier"))
        return
    assert [(row["attack"], row["defense"]) for row in rows] == [
        ("a", "none"),
        ("a", "noise"),
        ("b", "none"),
        ("b", "noise"),
    ]
    assert list(rows[0]) == list(ROW)
    assert float(rows[1]["agreement"]) == pytest.approx(0.91)


@pytest.mark.parametrize("form", ["csv", "tsv"])
def test_a_row_is_a_line_whatever_the_labels_hold(capsys: pytest.CaptureFixture[str], form: str) -> None:
    print_comparisons(compare([measured("a\n\tb\x1b", "none", 0, [(8, 0.5)])]), form)
    header, row = csv.reader(io.StringIO(capsys.readouterr().out), delimiter="," if form == "csv" else "\t")
    assert row[header.index("attack")] == "a b"
