"""Terminals that cannot encode, a stdout that is full or closed, plugins that print: nothing is lost or mixed up."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from forked import Forked

import mex
from mex.app.matrix.record import TIMINGS
from mex.app.matrix.results import read

PARTS = ("-a", "passive", "-d", "none", "-m", "logistic", "--data", "haberman")
FLAGS = [*PARTS, "--budget", "20", "--seeds", "2", "--jobs", "1"]
MEX = [sys.executable, "-m", "mex"]

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs /dev/full and descriptors")

TALKING = """
    import atexit, os, sys
    import attrs, mex

    def talk(when):
        sys.stdout.write(f"talk {when}\\n")
        sys.stdout.flush()
        os.write(1, b"talk of C\\n")

    talk("at import")
    atexit.register(talk, "at the end")

    @attrs.frozen(kw_only=True)
    class Talking:
        scope = mex.Scope()
        paper = "none"

        def learner(self, knowledge, rng):
            talk("in a cell")
            raise mex.Incompatible("it only talks")

    @mex.hookimpl
    def mex_cell_finished(cell):
        talk("in a hook")

    @mex.hookimpl
    def mex_commands(subparsers):
        talk("about commands")

    @mex.hookimpl
    def mex_components():
        return [mex.Component("attack", "talking", "talking_plugin:Talking", "talks")]
    """


def finished(*argv: str, env: dict[str, str] | None = None, shell: str = "") -> subprocess.CompletedProcess[bytes]:
    """``mex`` in a process of its own, its stdout redirected as ``shell`` says."""
    command = ["sh", "-c", f'"$@" {shell}', "sh", *MEX, *argv]
    return subprocess.run(command, capture_output=True, env={**os.environ, "OMP_NUM_THREADS": "1", **(env or {})})


def test_a_terminal_that_cannot_encode_gets_plain_signs_and_a_pipe_without_a_terminal_no_bar() -> None:
    done = finished(
        "matrix", *FLAGS, "--format", "table", "--curves", env={"PYTHONIOENCODING": "ascii", "FORCE_COLOR": "1"}
    )
    assert done.returncode == 0, done.stderr
    shown = re.sub(r"\x1b\[[\d;]*m", "", done.stdout.decode("ascii"))
    assert "(* fewest, - not within the budget)" in " ".join(shown.split())
    assert "#" in shown, "the learning curves"
    assert not re.search(rb"\x1b|0/2|\xe2", done.stderr), "no bar, though FORCE_COLOR is set"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_json_is_the_same_in_every_encoding(encoding: str) -> None:
    plain, other = (finished("show", "record", "--json", env={"PYTHONIOENCODING": e}) for e in ("utf-8", encoding))
    assert json.loads(other.stdout.decode(encoding)) == json.loads(plain.stdout.decode("utf-8"))
    assert "R²" in plain.stdout.decode("utf-8")


@pytest.mark.parametrize(("shell", "why"), [(">/dev/full", "No space left on device"), (">&-", "it is closed")])
def test_a_stdout_that_takes_nothing_is_one_sentence(shell: str, why: str) -> None:
    done = finished("list-plugins", shell=shell)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode() == f"mex: cannot write to stdout: {why}\n"


def test_records_that_stdout_did_not_take_are_kept_and_the_gate_judges_them(start: Callable[..., Forked]) -> None:
    process = start("matrix", *FLAGS, "--fail-if", "agreement > 0.5", onto="/dev/full")
    told, gate = process.communicate(timeout=300)[1].splitlines()[-2:]
    where = re.fullmatch(
        r"mex: cannot write to stdout: No space left on device; records are kept in (\S+): mex report \1 shows them",
        told,
    )
    assert where, told
    assert [record["status"] for record in read(Path(where[1]))[0]] == ["ok", "ok"]
    assert process.returncode == 3
    assert gate.startswith("mex: gate: passive against none")


def test_a_gate_whose_stdout_lost_its_reader_ends_with_4(start: Callable[..., Forked]) -> None:
    process = start("matrix", *FLAGS, "--seeds", 9, "--json", "--fail-if", "agreement > 1")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    told = "mex: gate: stdout took no more, so the run ended early and not all was judged\n"
    assert process.stderr.read().endswith(told)
    assert process.wait(120) == 4


def test_what_a_full_disk_under_out_did_not_take_is_printed_and_kept_aside(
    start: Callable[..., Forked], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = [*PARTS, "--budget", "20", "--seeds", "4", "--jobs", "1", "--out", str(tmp_path / "out"), "--json"]
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    process = start("matrix", *flags, most=4096)  # room for two records
    out, err = process.communicate(timeout=300)
    records = [json.loads(line) for line in out.splitlines()]
    assert [record["seed"] for record in records] == [0, 1, 2, 3]
    told = err.splitlines()[-1]
    where = re.fullmatch(r"mex: cannot write \S+: File too large; (\d) records kept in (\S+)/results.jsonl: .*", told)
    assert where, err
    assert process.returncode == 1
    assert [*read(tmp_path / "out")[0], *read(Path(where[2]))[0]] == records
    assert int(where[1]) == len(read(Path(where[2]))[0]) > 0


def test_what_a_plugin_prints_is_never_among_the_results(
    start: Callable[..., Forked], install: Callable[..., Path]
) -> None:
    site = install("fake", {"talking": "talking_plugin"}, {"talking_plugin": TALKING})
    for line in (["matrix", *FLAGS, "-a", "talking", "--json"], ["list-plugins", "--json"]):
        process = start(*line, path=site)
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        assert all(isinstance(json.loads(line), dict) for line in out.splitlines())
        assert {"talk at import", "talk about commands", "talk of C", "talk at the end"} <= set(err.splitlines())
        assert ("talk in a hook" in err) == ("talk in a cell" in err) == (line[0] == "matrix")


def test_a_matrix_from_threads_gives_the_same_records_and_leaves_stdout_alone() -> None:
    plan = {"attacks": ["passive"], "defenses": ["none"], "models": ["logistic"], "datasets": ["haberman"]}
    plan |= {"budget": 20, "seeds": 3}
    out, seen, found = sys.stdout, set(), {}
    registry = mex.load_registry()

    class Watch:
        @mex.hookimpl
        def mex_cell_started(self, cell: object) -> None:
            seen.add(sys.stdout is out)

    registry.manager.register(Watch())

    def run(i: int) -> None:
        records = mex.matrix(plan, registry=registry)
        found[i] = [{k: v for k, v in record.items() if k not in TIMINGS} for record in records]

    threads = [threading.Thread(target=run, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run(2)
    assert found[0] == found[1] == found[2]
    assert seen == {True}


def test_where_the_system_gives_no_semaphores_it_is_said(
    run: Callable[..., subprocess.CompletedProcess[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("_multiprocessing.SemLock", refuse)
    monkeypatch.setenv("JOBLIB_MULTIPROCESSING", "1")
    done = run("matrix", *FLAGS, "--json")
    assert done.returncode == 0
    assert done.stderr.startswith("mex: the system gives no semaphores (Read-only file system; see /dev/shm)")
    assert len(done.stdout.splitlines()) == 2


def test_where_the_system_gives_no_more_processes_cells_run_in_this_one(
    run: Callable[..., subprocess.CompletedProcess[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr("mex.app.matrix.processes.Worker", refuse)
    done = run("matrix", *FLAGS, "--json")
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 2)
    reason = "worker processes cannot be started: Resource temporarily unavailable: cells run in this process"
    assert done.stderr.startswith(f"mex: {reason}\n")
