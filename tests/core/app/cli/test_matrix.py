"""``mex matrix``: a table for people, tabs for pipes, JSON lines for programs."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from forked import Forked

import mex
from mex.app.analysis.tidy import ROW
from mex.app.matrix.record import TIMINGS, Record
from mex.app.matrix.results import FILE

Run = Callable[..., subprocess.CompletedProcess[str]]

FLAGS = "-a passive -d none -d bounded-noise:rho=0.3 -m logistic --data haberman --budget 20 --seeds 2 --no-counters"
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
    assert (done.returncode, done.stderr.count("\n")) == (0, 1), "what was read"
    plan = {
        "attacks": ["passive"],
        "defenses": ["none", "bounded-noise:rho=0.3"],
        "models": ["logistic"],
        "datasets": ["haberman"],
        "counters": False,
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
    read, ran, skipped = done.stderr.splitlines()
    assert read.startswith("mex: haberman: 306 rows; 3 ")
    assert ran == "4 of 8 cells came to a result"
    assert skipped == f"skipped (4 cells): {reason}"
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
    start: Callable[..., Forked], install: Callable[..., Path], tmp_path: Path, jobs: int
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
    assert first.stderr.count("\n") == 1, "what was read"
    again = run(*SMALL, "--out", tmp_path, "--json")
    assert again.stderr == f"mex: 4 of 4 cells are in {tmp_path} already\n"
    assert again.stdout == first.stdout
    with (tmp_path / FILE).open("a", encoding="utf-8") as file:
        file.write('{"cell": "to')
    more = run(*SMALL, "--seeds", "3", "--out", tmp_path, "--json")
    torn = "1 line is no record: line 5 (it is cut short); what is missing runs again"
    assert more.stderr.startswith(f"mex: {tmp_path / FILE}: {torn}\n")
    assert f"4 of 6 cells are in {tmp_path} already" in more.stderr
    assert records_of(more)[:4] == records_of(first)


def test_a_gate_that_is_met_ends_with_3_and_names_the_cells(run: Run, tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(
        "budget = 20\nseeds = 1\n[gate]\nfail_if = ['queries_to_0.5 < 1000']\n"
        "[attacks.passive]\n[defenses.none]\n[models.logistic]\n[datasets.haberman]\n",
        encoding="utf-8",
    )
    done = run("matrix", plan, "--jobs", "1", "--junit", tmp_path / "junit.xml")
    assert done.returncode == 3
    assert done.stderr.splitlines()[1].startswith(
        "mex: gate: passive against none on logistic, haberman: queries_to_0.5 < 1000: "
    )
    assert "<failure" in (tmp_path / "junit.xml").read_text(encoding="utf-8")
    passed = run("matrix", plan, "--jobs", "1", "--fail-if", "agreement > 1")
    assert passed.returncode == 3, "a flag adds to the file"


def test_a_gate_without_a_value_to_judge_ends_with_4(run: Run) -> None:
    done = run(
        *SMALL, "--seeds", "1", "-m", "linear-regression", "--fail-if", "alarm < 9", "--fail-if", "agreement > 1"
    )
    assert done.returncode == 4
    assert done.stderr.endswith("mex: gate: alarm < 9: no cell came to a value, so nothing was judged\n")
    skipped = ["matrix", "-a", "passive", "-d", "none", "-m", "linear-regression", "--data", "haberman", "--jobs", "1"]
    assert run(*skipped, "--fail-if", "agreement > 1", "--json").returncode == 4


def test_a_gate_may_judge_the_median(run: Run) -> None:
    done = run(*SMALL[:5], *SMALL[7:], "--seeds", "3", "--json")
    *_, median, best = sorted(record["near_agreement"] for record in records_of(done))
    assert best > median
    condition = ["--seeds", "3", "--fail-if", f"near_agreement >= {best}"]
    assert run(*SMALL[:5], *SMALL[7:], *condition).returncode == 3
    assert run(*SMALL[:5], *SMALL[7:], *condition, "--fail-on", "median").returncode == 0


@pytest.mark.skipif(os.name != "posix", reason="needs a terminal")
def test_json_goes_to_its_file_while_the_bar_is_on_the_terminal(
    start: Callable[..., Forked], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pty

    monkeypatch.setenv("TERM", "xterm")
    master, terminal = pty.openpty()
    (tmp_path / "out").touch()
    process = start(*SMALL, "--json", onto=str(tmp_path / "out"), terminal=terminal)
    os.close(terminal)
    code = process.wait(300)
    os.close(master)
    assert code == 0
    assert [json.loads(line)["status"] for line in (tmp_path / "out").read_text().splitlines()] == ["ok"] * 4


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_first_lines_say_what_was_read(run: Run, tmp_path: Path, jobs: int) -> None:
    (tmp_path / "gaps.csv").write_text(
        "x,c,y\n" + "".join(f"{i}.5,{'ab'[i % 2]},{'no' if i % 3 else 'yes'}\n" for i in range(60)) + ",a,no\n",
        encoding="utf-8",
    )
    flags = ["-a", "passive:model=decision-tree", "-d", "none", "--budget", "10", "--seeds", "1", "--jobs", jobs]
    models = ["-m", "logistic", "-m", "linear-svm", "-m", "random-forest:trees=2"]
    done = run("matrix", *flags, *models, "--data", "haberman", "--data", tmp_path / "gaps.csv")
    said = "gaps: 61 rows, 1 of them with missing values; 1 number, 1 category of 2 levels; target y: no (41), yes (20)"
    first, *gaps = done.stderr.splitlines()[:3]
    assert first.startswith("mex: haberman: 306 rows; 3 ")
    assert gaps == [f"mex: {said}; logistic takes complete rows only: 60 of 61", f"mex: {said}"]
