"""``mex matrix``: a table for people, tabs for pipes, JSON lines for programs."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from records import record

import mex
from mex.app.analysis.aggregate import Comparison, compare
from mex.app.analysis.crosstab import BEST, crosstab, sparkline
from mex.app.analysis.gate import Condition, violations, write_junit
from mex.app.analysis.tidy import ROW
from mex.app.cli.summary import print_comparisons
from mex.app.matrix.plan import Plan
from mex.app.matrix.record import TIMINGS, Record
from mex.app.matrix.results import FILE

Run = Callable[..., subprocess.CompletedProcess[str]]

FLAGS = "-a passive -d none -d bounded-noise:rho=0.3 -m logistic --data haberman --budget 20 --seeds 2"
SMALL = ["matrix", *FLAGS.split(), "--jobs", "1"]

DYING = """
    import os
    import attrs, mex

    @attrs.frozen(kw_only=True)
    class Dying:
        scope = mex.Scope()
        paper = "none"

        def learner(self, knowledge, rng):
            print("a plugin talks", flush=True)
            os._exit(9)

    @mex.hookimpl
    def mex_components():
        return [mex.Component("attack", "dying", "dying_plugin:Dying", "ends its process")]
    """


def records_of(done: subprocess.CompletedProcess[str]) -> list[Record]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def untimed(records: Sequence[Record]) -> list[Record]:
    return [{k: v for k, v in record.items() if k not in TIMINGS} for record in records]


def test_json_is_one_line_per_cell_and_nothing_else(run: Run, registry: mex.Registry) -> None:
    done = run(*SMALL, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    plan = {
        "attacks": ["passive"],
        "defenses": ["none", "bounded-noise:rho=0.3"],
        "models": ["logistic"],
        "datasets": ["haberman"],
    }
    again = mex.matrix({**plan, "budget": 20, "seeds": 2}, registry=registry)
    assert untimed(records_of(done)) == untimed(again)


def test_a_pipe_gets_one_row_per_attack_and_defense(run: Run) -> None:
    done = run(*SMALL)
    header, *rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert header == list(ROW)
    assert [row[:4] for row in rows] == [
        ["logistic", "haberman", "passive", "none"],
        ["logistic", "haberman", "passive", "bounded-noise:rho=0.3"],
    ]
    assert {row[header.index("queries")] for row in rows} == {"20"}
    assert {row[header.index("price_usd")] for row in rows} == {"0.002"}
    losses = [float(row[header.index("accuracy_lost")]) for row in rows]
    assert losses[0] == 0
    assert losses[1] > 0.03, "flipped labels cost honest users"


def test_flags_replace_what_the_file_says(run: Run, tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(
        "budget = 999\nseeds = 1\n[attacks.passive]\n[defenses.none]\n[models.logistic]\n[datasets.heart]\n",
        encoding="utf-8",
    )
    (record,) = records_of(run("matrix", plan, "--budget", "20", "--data", "haberman", "--json"))
    assert (record["budget"], record["dataset"], record["seed"]) == (20, "haberman", 0)


def test_a_label_of_the_file_is_what_the_table_calls_it(run: Run, tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(
        "budget = 20\nseeds = 1\n[attacks.my-trees]\nuse = 'passive'\nmodel = 'decision-tree'\n"
        "[defenses.none]\n[models.logistic]\n[datasets.haberman]\n",
        encoding="utf-8",
    )
    assert "logistic\thaberman\tmy-trees\tnone\t" in run("matrix", plan).stdout


def test_pairs_that_cannot_work_are_skipped_and_told(run: Run) -> None:
    done = run(*SMALL, "-m", "linear-regression")
    assert done.returncode == 0
    reason = "linear-regression learns regression data; haberman is binary"
    assert done.stderr == f"skipped (4 cells): {reason}\n"
    assert "linear-regression\thaberman\tpassive\tnone\t0\tskipped" in done.stdout


def test_failed_cells_are_told_and_run_again_if_asked(run: Run, install: Callable[..., Path], tmp_path: Path) -> None:
    raising = DYING.replace("os._exit(9)", "raise OSError('first line\\nsecond')").replace("dying_", "raising_")
    install("fake", {"raising": "raising_plugin"}, {"raising_plugin": raising})
    done = run(*SMALL, "-a", "dying")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "mex: 4 of 8 cells failed"
    assert "Traceback" not in done.stderr
    assert "\tdying\tnone\t0\tfailed\t" in done.stdout
    assert "\tpassive\tnone\t" in done.stdout
    out = ["-a", "dying", "--json", "--out", tmp_path / "out"]
    assert records_of(run(*SMALL, *out))[1]["reason"] == "OSError: first line\nsecond"
    assert "8 of 8 cells are in" in run(*SMALL, *out).stderr
    assert "4 of 8 cells are in" in run(*SMALL, *out, "--retry-failed").stderr
    assert len((tmp_path / "out" / FILE).read_text().splitlines()) == 12


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_cell_that_kills_its_process_has_failed_and_the_others_go_on(
    start: Callable[..., subprocess.Popen[str]], install: Callable[..., Path], tmp_path: Path, jobs: int
) -> None:
    site = install("fake", {"dying": "dying_plugin"}, {"dying_plugin": DYING})
    flags = [*FLAGS.split(), "-a", "dying", "--seeds", 1, "--jobs", jobs, "--out", tmp_path / "out", "--json"]
    process = start("matrix", *flags, path=site)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 1, err
    reasons = [json.loads(line)["reason"] for line in out.splitlines()]
    assert reasons.count("its process ended itself with exit code 9") == 2
    assert "a plugin talks" in err, "and not where the records go"
    assert err.splitlines()[-1] == "mex: 2 of 4 cells failed"
    kept = [json.loads(line) for line in (tmp_path / "out" / FILE).read_text(encoding="utf-8").splitlines()]
    assert len(kept) == 4
    assert {(r["attack"], r["status"]) for r in kept} == {("passive", "ok"), ("dying", "failed")}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [FILE, "run.toml"]


def test_what_is_there_already_is_told_and_not_run_again(run: Run, tmp_path: Path) -> None:
    first = run(*SMALL, "--out", tmp_path, "--json")
    assert first.stderr == ""
    again = run(*SMALL, "--out", tmp_path, "--json")
    assert again.stderr == f"mex: 4 of 4 cells are in {tmp_path} already\n"
    assert again.stdout == first.stdout
    with (tmp_path / FILE).open("a", encoding="utf-8") as file:
        file.write('{"cell": "to')
    more = run(*SMALL, "--seeds", "3", "--out", tmp_path, "--json")
    assert "1 damaged lines are ignored" in more.stderr
    assert f"4 of 6 cells are in {tmp_path} already" in more.stderr
    assert records_of(more)[:4] == records_of(first)


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
    settings = {"budget": 20, "seeds": 1}
    plan = Plan.of({**tables, **settings}).resolve(registry)
    print_comparisons(compare(mex.matrix({**tables, **settings}, registry=registry), plan), curves=True)
    shown = re.sub(r"\x1b\[\d*m", "", capsys.readouterr().out)
    assert "logistic on haberman, accuracy 0." in shown
    assert "decision-tree on haberman, accuracy 0." in shown
    assert all(shown.count(f"rho=0.{i}") == 2 for i in range(11, 19)), "defenses that do not fit go below"
    assert max(map(len, shown.splitlines())) <= 100
    assert BEST in shown
    assert "█" in shown


COSTS = {"accuracy_lost": 0.1, "answers_changed": 0.125}


def cell(attack: str, defense: str, seed: int, curve: list[tuple[int, float]], **fields: Any) -> Record:
    return record(attack, defense, seed, curve, **{**COSTS, "price_per_query": 0.0001, **fields})


@pytest.fixture
def found() -> list[Comparison]:
    fast, slow = [(10, 0.5), (100, 1.0)], [(10, 0.5), (300, 1.0)]
    records = [cell("a", "none", seed, fast) for seed in range(3)]
    records += [cell("a", "noise", seed, [(10, 0.5), (400, 0.9 + seed / 100)]) for seed in range(3)]
    records += [cell("b", "none", seed, slow) for seed in range(3)]
    records += [cell("b", "noise", 0, slow, status="skipped", reason="b & noise <do> not\x00 go")]
    return compare(records)


def test_a_seed_that_failed_does_not_count_as_one_that_never_got_there() -> None:
    curve = [(10, 0.5), (100, 1.0)]
    records = [cell("a", defense, seed, curve) for defense in ("none", "noise") for seed in range(2)]
    records[3] |= {"status": "failed", "reason": "killed"}
    times = compare(records)[0].multiplier("noise")
    assert times is not None
    assert (times.value, times.high) == (1.0, 1.0)


def test_records_of_several_plans_stay_apart(registry: mex.Registry) -> None:
    curve = [(10, 0.5), (100, 1.0)]
    noisy = [cell("a", "noise", seed, curve, defense_params={"rho": rho}) for seed in range(2) for rho in (0.1, 0.2)]
    plan = Plan.of({"attacks": ["passive"], "defenses": ["none"], "models": ["logistic"], "datasets": ["heart"]})
    (comparison,) = compare(noisy, plan.resolve(registry))
    assert comparison.defenses == ["noise:rho=0.1", "noise:rho=0.2"]
    budgets = [cell("a", "none", seed, curve, budget=budget) for budget in (100, 200) for seed in range(2)]
    assert [comparison.dataset for comparison in compare(budgets)] == ["d (budget 100)", "d (budget 200)"]
    assert all(len(comparison.groups["a", "none"].records) == 2 for comparison in compare(budgets))


def test_a_curve_that_falls_again_is_drawn_falling() -> None:
    (comparison,) = compare([cell("a", "none", 0, [(8, 0.5), (16, 1.0), (64, -2.5)])])
    assert sparkline(comparison.groups["a", "none"])[-1] == "▁"


def test_the_grid_says_who_is_best_and_what_a_defense_does(found: list[Comparison]) -> None:
    shown = crosstab(found[0], level=0.9)
    assert shown.header == ["attack", "none", "noise"]
    (a, b) = shown.rows
    assert a[0] == "a"
    assert a[1].startswith("1.000  63★")
    assert a[2].startswith("0.910±.010  ")
    assert a[2].endswith("★")
    assert b[2] == "skipped"
    footer = {row[0]: row[1:] for row in shown.footer}
    assert footer["honest accuracy"] == ["-10.0 pt", "-10.0 pt"]
    assert footer["answers changed"] == ["12.5 %", "12.5 %"]
    assert footer["multiplier"][0] == "1.0"
    assert footer["multiplier"][1].startswith("5.8 (5.")
    assert {row[0]: row[2] for row in crosstab(found[0], level=0.99).footer}["multiplier"] == "never in budget"


def test_labels_are_text_and_no_markup_of_anything(capsys: pytest.CaptureFixture[str]) -> None:
    found = compare([cell("[/a]", "[red]~^\\", 0, [(8, 0.5), (16, 1.0)])])
    print_comparisons(found, "table")
    shown = capsys.readouterr().out
    assert "[/a]" in shown
    assert "[red]~^\\" in shown
    print_comparisons(found, "latex")
    assert r"[red]\~{}\^{}\textbackslash{}" in capsys.readouterr().out


@pytest.mark.parametrize("form", ["markdown", "latex", "csv", "tsv", "json"])
def test_each_form_holds_every_pair(found: list[Comparison], capsys: pytest.CaptureFixture[str], form: str) -> None:
    print_comparisons(found, form)
    out = capsys.readouterr().out
    if form in ("csv", "tsv"):
        rows = list(csv.DictReader(io.StringIO(out), delimiter="," if form == "csv" else "\t"))
    elif form == "json":
        rows = json.loads(out)
    else:
        assert out.count("0.910") == 1
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
    "text", ["", "agreement", "agreement = 1", "nonsense < 1", "queries_to_2 < 3", "agreement < x", 5]
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


def test_a_gate_that_is_met_ends_with_3_and_names_the_cells(run: Run, tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(
        "budget = 20\nseeds = 1\n[gate]\nfail_if = ['queries_to_0.5 < 1000']\n"
        "[attacks.passive]\n[defenses.none]\n[models.logistic]\n[datasets.haberman]\n",
        encoding="utf-8",
    )
    done = run("matrix", plan, "--jobs", "1", "--junit", tmp_path / "junit.xml")
    assert done.returncode == 3
    assert done.stderr.startswith("mex: gate: passive against none on logistic, haberman: queries_to_0.5 < 1000: ")
    assert "<failure" in (tmp_path / "junit.xml").read_text(encoding="utf-8")
    passed = run("matrix", plan, "--jobs", "1", "--fail-if", "agreement > 1")
    assert passed.returncode == 3, "a flag adds to the file"


@pytest.mark.skipif(os.name != "posix", reason="needs a terminal")
def test_json_goes_to_its_file_while_the_bar_is_on_the_terminal(tmp_path: Path) -> None:
    import pty

    master, terminal = pty.openpty()
    with (tmp_path / "out").open("wb") as out:
        command = [sys.executable, "-m", "mex", *SMALL, "--json"]
        code = subprocess.run(command, stdout=out, stderr=terminal, env={**os.environ, "TERM": "xterm"}).returncode
    os.close(terminal)
    os.close(master)
    assert code == 0
    assert [json.loads(line)["status"] for line in (tmp_path / "out").read_text().splitlines()] == ["ok"] * 4
