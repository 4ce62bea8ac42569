"""Ctrl-C, or being told to end, keeps every finished cell; the same command goes on from there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from forked import Forked

import mex
from mex.app.matrix.record import TIMINGS
from mex.app.matrix.results import FILE

SEEDS = 20
PLAN: dict[str, Any] = {
    "attacks": ["passive"],
    "defenses": ["none"],
    "models": ["logistic"],
    "datasets": ["haberman"],
    "budget": 20,
    "seeds": SEEDS,
}
FLAGS = f"-a passive -d none -m logistic --data haberman --budget 20 --seeds {SEEDS}".split()
PATIENCE = 120

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs signals")


def untimed(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in record.items() if k not in TIMINGS} for record in records]


@pytest.fixture(scope="module")
def undisturbed(registry: mex.Registry) -> list[dict[str, Any]]:
    return untimed(mex.matrix(PLAN, registry=registry))


def wait_for_lines(file: Path, count: int, process: Forked) -> None:
    deadline = time.monotonic() + PATIENCE
    while not file.exists() or file.read_bytes().count(b"\n") < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("number", "jobs"),
    [(signal.SIGINT, 2), (signal.SIGTERM, 1), (signal.SIGHUP, 1)],
    ids=["Ctrl-C with 2 jobs", "SIGTERM with 1 job", "a terminal that is closed"],
)
def test_finished_cells_are_kept_and_the_rest_is_done_next_time(
    start: Callable[..., Forked],
    registry: mex.Registry,
    undisturbed: list[dict[str, Any]],
    tmp_path: Path,
    number: signal.Signals,
    jobs: int,
) -> None:
    if signal.getsignal(number) == signal.SIG_IGN:
        pytest.skip("under nohup it is ignored, here and by what is started from here")
    process = start("matrix", *FLAGS, "--jobs", jobs, "--out", tmp_path)
    wait_for_lines(tmp_path / FILE, 3, process)
    os.killpg(process.pid, number)  # as a terminal does: to the workers as well
    out, err = process.communicate(timeout=PATIENCE)
    kept = [json.loads(line) for line in (tmp_path / FILE).read_text(encoding="utf-8").splitlines()]
    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[1:] == [
        f"mex: interrupted; {len(kept)} of {SEEDS} cells are kept in {tmp_path}; run the same command again to go on"
    ]
    assert 3 <= len(kept) < SEEDS

    records = mex.matrix(PLAN, registry=registry, out=tmp_path)
    assert untimed(records) == undisturbed
    assert [record for record in records if record in kept] == sorted(kept, key=lambda record: record["seed"])
    assert len((tmp_path / FILE).read_bytes().splitlines()) == SEEDS, "no cell was run twice"


def test_without_a_directory_nothing_is_promised(
    run: Callable[..., subprocess.CompletedProcess[str]], install: Callable[..., Path]
) -> None:
    impatient = """
        import mex

        @mex.hookimpl
        def mex_cell_finished(cell):
            raise KeyboardInterrupt
        """
    install("fake", {"impatient": "impatient_plugin"}, {"impatient_plugin": impatient})
    done = run("matrix", *FLAGS, "--jobs", 1)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr.splitlines()[1:] == ["mex: interrupted; with --out DIR finished cells are kept"]


def test_a_reader_that_leaves_ends_the_matrix_quietly(start: Callable[..., Forked]) -> None:
    process = start("matrix", *FLAGS, "--jobs", 1, "--json")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read().count("\n") == 1, "what was read"
    assert process.wait(PATIENCE) == 0
