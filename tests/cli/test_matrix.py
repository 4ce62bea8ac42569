"""``mex matrix``: a table for people, tabs for pipes, JSON lines for programs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import mex
from mex.cli.summary import COLUMNS, print_summary, summarise
from mex.experiment import TIMINGS
from mex.plan import Plan
from mex.results import FILE

Run = Callable[..., subprocess.CompletedProcess[str]]
Record = dict[str, Any]

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
    assert header == ["model", "dataset", *COLUMNS]
    assert [row[:4] for row in rows] == [
        ["logistic", "haberman", "passive", "none"],
        ["logistic", "haberman", "passive", "bounded-noise:rho=0.3"],
    ]
    assert {row[header.index("queries")] for row in rows} == {"20"}
    assert {row[header.index("price")] for row in rows} == {"$0.0020"}
    losses = [float(row[header.index("honest pt")]) for row in rows]
    assert losses[0] == 0
    assert losses[1] > 3, "flipped labels cost honest users"


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
    assert "linear-regression\thaberman\tpassive\tnone\tskipped" in done.stdout


def test_failed_cells_are_told_and_the_exit_code_is_1(run: Run, install: Callable[..., Path]) -> None:
    raising = DYING.replace("os._exit(9)", "raise OSError('first line\\nsecond')").replace("dying_", "raising_")
    install("fake", {"raising": "raising_plugin"}, {"raising_plugin": raising})
    done = run(*SMALL, "-a", "dying")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "mex: 4 of 8 cells failed"
    assert "Traceback" not in done.stderr
    assert "\tdying\tnone\tfailed\t" in done.stdout
    assert "\tpassive\tnone\t" in done.stdout
    assert records_of(run(*SMALL, "-a", "dying", "--json"))[1]["reason"] == "OSError: first line\nsecond"


def test_a_cell_that_kills_its_process_has_failed_and_the_others_go_on(
    start: Callable[..., subprocess.Popen[str]], install: Callable[..., Path], tmp_path: Path
) -> None:
    site = install("fake", {"dying": "dying_plugin"}, {"dying_plugin": DYING})
    flags = [*FLAGS.split(), "-a", "dying", "--seeds", 1, "--jobs", 2, "--out", tmp_path / "out"]
    process = start("matrix", *flags, path=site)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 1, err
    assert "failed (2 cells): its process was killed, twice" in err
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


def test_on_a_terminal_there_is_a_table_per_model_and_dataset(
    registry: mex.Registry, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "160")
    tables = {
        "attacks": ["passive"],
        "defenses": ["none"],
        "models": ["logistic", "decision-tree"],
        "datasets": ["haberman"],
    }
    plan = Plan.of({**tables, "budget": 20, "seeds": 2}).resolve(registry)
    print_summary(mex.matrix({**tables, "budget": 20, "seeds": 2}, registry=registry), plan)
    shown = capsys.readouterr().out
    assert shown.count("half the range over seeds") == 2
    assert "logistic on haberman, accuracy 0." in shown
    assert "geom." in shown


def cell(**fields: Any) -> Record:
    known = dict.fromkeys(("near_agreement", "uniform_agreement", "geometric_error"))
    scores = {"queries": 10, "price_usd": 0.001, "target_accuracy": 0.9, "defended_accuracy": 0.9}
    return {"status": "ok", **known, **scores, **fields}


def test_a_row_is_the_median_over_seeds_with_half_its_range() -> None:
    cells = [cell(agreement=a, defended_accuracy=d) for a, d in ((0.9, 0.8), (1.0, 0.7), (0.95, 0.75))]
    agreement, near, _, geometric, queries, price, loss = summarise(cells)
    assert agreement == "0.950 ±0.050"
    assert (near, geometric, queries, price, loss) == ("-", "-", "10", "$0.0010", "+15.0")


def test_a_row_leaves_out_the_cells_that_did_not_run() -> None:
    failed = {"status": "failed", "reason": "x"}
    assert summarise([failed, cell(agreement=0.5)])[0] == "0.500"
    assert summarise([failed, failed])[0] == "failed"
