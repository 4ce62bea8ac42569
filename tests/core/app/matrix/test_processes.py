"""Cells in worker processes: whatever a plugin does to its process, its cell has failed and the others go on."""

from __future__ import annotations

import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest
from odd import Odd

import mex
from mex.app.matrix.backends import Workers
from mex.app.matrix.json_lines import dump
from mex.app.matrix.looking import looks
from mex.app.matrix.plan import Plan
from mex.app.matrix.processes import Processes, WorkersDie
from mex.app.matrix.record import TIMINGS
from mex.app.matrix.run import Run
from mex.app.matrix.worker import TIME_OVER, is_late
from mex.learner import Steps
from mex.types import Estimator

PLAN: dict[str, Any] = {
    "attacks": ["passive"],
    "defenses": ["none"],
    "models": ["logistic"],
    "datasets": ["haberman"],
    "budget": 20,
    "seeds": 2,
    "counters": False,
}

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that can copy a process")


class Leaving(Odd):
    def odd(self) -> None:
        os._exit(0)


class Killed(Odd):
    def odd(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class KilledOnce(Odd):
    """What a system does that is short of memory: the second time there is enough."""

    seen: Path

    def odd(self) -> None:
        if not self.seen.exists():
            self.seen.touch()
            os.kill(os.getpid(), signal.SIGKILL)


class Swallowing(Odd):
    def odd(self) -> None:
        while True:
            try:
                time.sleep(60)
            except BaseException:
                continue


class Deaf(Odd):
    """A call of a library that gives nothing else a turn."""

    def odd(self) -> None:
        re.match(r"(a|a)+$", "a" * 60 + "b")


class Orphaning(Odd):
    """It leaves a child behind that holds all that was open."""

    child: Path

    def odd(self) -> None:
        child = os.fork()
        if child == 0:
            time.sleep(600)
        self.child.write_text(str(child))
        os._exit(3)


class Talking(Odd):
    def odd(self) -> None:
        print("a plugin talks")


def run(registry: mex.Registry, jobs: int = 1, time_limit: float | None = None, **plan: Any) -> list[tuple[Any, ...]]:
    workers = Workers(jobs, time_limit=time_limit, fork=True)
    return [
        (record["attack"], record["status"], record["reason"])
        for record in Run({**PLAN, **plan}, registry, workers=workers)
    ]


@pytest.fixture
def orphan(tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "child"
    yield file
    if file.exists():
        os.kill(int(file.read_text()), signal.SIGKILL)


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(
    ("cls", "reason"),
    [(Leaving, "its process ended itself with exit code 0"), (Killed, "its process was killed by SIGKILL, twice")],
)
def test_a_cell_that_ends_its_process_has_failed_and_the_others_go_on(
    given: Callable[..., mex.Registry], jobs: int, cls: type[Odd], reason: str
) -> None:
    registry = given(attack={"odd": cls})
    wanted = [("passive", "ok", None), ("odd", "failed", reason)]
    assert run(registry, jobs, attacks=["passive", "odd"]) == wanted * 2


def test_a_cell_that_is_killed_once_runs_once_more(given: Callable[..., mex.Registry], tmp_path: Path) -> None:
    KilledOnce.seen = tmp_path / "seen"
    registry = given(attack={"odd": KilledOnce})
    assert run(registry, 2, attacks=["odd", "passive"]) == [("odd", "ok", None), ("passive", "ok", None)] * 2
    assert KilledOnce.seen.exists()


def test_a_process_that_ends_is_missed_though_a_child_of_it_holds_what_would_tell(
    given: Callable[..., mex.Registry], orphan: Path
) -> None:
    Orphaning.child = orphan
    (found,) = run(given(attack={"odd": Orphaning}), attacks=["odd"], seeds=1)
    assert found == ("odd", "failed", "its process ended itself with exit code 3")


@pytest.mark.parametrize("cls", [Swallowing, Deaf])
def test_a_time_limit_cannot_be_swallowed(given: Callable[..., mex.Registry], cls: type[Odd]) -> None:
    found = run(given(attack={"odd": cls}), time_limit=3, attacks=["odd", "passive"], seeds=1)
    assert found == [("odd", "failed", "took longer than 3 seconds"), ("passive", "ok", None)]


class Pausing(Odd):
    """It asks one row after another, and thinks about each."""

    def learner(self, knowledge: mex.Knowledge, rng: np.random.Generator) -> mex.Learner:
        class Slow(mex.GeneratorLearner):
            def steps(self) -> Steps:
                while True:
                    yield knowledge.domain.sample(1, rng)
                    time.sleep(0.3)

            def hypothesis(learner) -> Estimator:
                return self.believe(knowledge)

        return Slow()


def test_an_attack_that_has_had_most_of_its_time_is_stopped_and_what_it_has_is_measured(
    given: Callable[..., mex.Registry],
) -> None:
    registry, workers = given(attack={"pausing": Pausing}), Workers(1, time_limit=4, fork=True)
    (record,) = Run({**PLAN, "attacks": ["pausing"], "seeds": 1, "budget": 100}, registry, workers=workers)
    assert (record["status"], record["stopped"]) == ("failed", "time")
    asked = record["queries"] or 0
    assert 2 <= asked < 20
    assert record["reason"] == f"took longer than 4 seconds: stopped after {asked} queries"
    assert is_late(record["reason"])
    assert record["curve"]
    assert record["curve"][-1]["queries"] == asked


class Waiting(Odd):
    def odd(self) -> None:
        time.sleep(2)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system does not tell the CPU time of others")
def test_a_limit_of_cpu_time_ends_who_works_and_not_who_waits(given: Callable[..., mex.Registry]) -> None:
    registry = given(attack={"working": Deaf, "waiting": Waiting})
    workers = Workers(1, cpu_limit=1, fork=True)
    records = list(Run({**PLAN, "attacks": ["working", "waiting"], "seeds": 1}, registry, workers=workers))
    found = [(record["attack"], record["status"], record["reason"]) for record in records]
    assert found == [("working", "failed", "took longer than 1 seconds of CPU time"), ("waiting", "ok", None)]


@pytest.mark.parametrize("jobs", [None, 2])
def test_when_the_time_of_a_run_is_over_what_is_left_is_told_and_runs_another_time(
    given: Callable[..., mex.Registry], tmp_path: Path, jobs: int | None
) -> None:
    def found(registry: mex.Registry, seconds: float, attacks: list[str]) -> list[tuple[str, str]]:
        workers = Workers(jobs, fork=True, until=time.monotonic() + seconds)
        plan = {**PLAN, "attacks": attacks}
        ran = Run(plan, registry, workers=workers, out=tmp_path, retry_failed=True)
        return [(record["attack"], record["reason"] or record["status"]) for record in ran]

    registry = given(attack={"odd": Swallowing})
    left = [("odd", TIME_OVER), ("passive", TIME_OVER)] * 2
    assert found(registry, 0, ["odd", "passive"]) == left
    if jobs:
        assert found(registry, 2, ["odd", "passive"]) == left  # two workers are at the odd ones when it ends
    assert found(registry, math.inf, ["passive"]) == [("passive", "ok")] * 2


class LeavingDataset:
    source, licence = "nowhere", "none"

    def load(self) -> mex.Dataset:
        os._exit(0)


def test_a_dataset_that_ends_its_process_fails_its_cells(given: Callable[..., mex.Registry]) -> None:
    registry = given(dataset={"leaving": LeavingDataset})
    found = run(registry, datasets=["leaving", "haberman"], seeds=1)
    assert found == [
        ("passive", "failed", "its process ended itself with exit code 0"),
        ("passive", "ok", None),
    ]


class Missing:
    source, licence = "nowhere", "none"

    def load(self) -> mex.Dataset:
        raise mex.UsageError("there is no such file")


def test_a_dataset_that_the_user_got_wrong_is_told_before_any_cell_runs(given: Callable[..., mex.Registry]) -> None:
    with pytest.raises(mex.UsageError, match="there is no such file"):
        run(given(dataset={"missing": Missing}), datasets=["haberman", "missing"])


def test_what_a_plugin_prints_goes_where_complaints_go(
    given: Callable[..., mex.Registry], capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(given(attack={"odd": Talking}), attacks=["odd"], seeds=1) == [("odd", "ok", None)]
    out, err = capfd.readouterr()
    assert (out, err) == ("", "a plugin talks\n")


def test_copies_of_this_process_give_the_records_of_this_process() -> None:
    """Those of workers that start afresh are compared with them in the tests of the engine."""
    tables = {**PLAN, "attacks": ["passive", "margin"], "defenses": ["none", "bounded-noise"]}

    def untimed(workers: Workers) -> list[str]:
        records = Run(tables, mex.load_registry(), workers=workers)
        return [dump({k: v for k, v in record.items() if k not in TIMINGS}) for record in records]

    here = untimed(Workers())
    assert len(here) == 8
    assert untimed(Workers(2, fork=True)) == here
    assert untimed(Workers(1, fork=True)) == here


def test_workers_that_cannot_be_started_end_the_run_with_a_sentence(
    registry: mex.Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mex.app.matrix.worker.serve", lambda *_: os._exit(7))
    with (
        Processes(registry, 2, fork=True) as processes,
        pytest.raises(
            WorkersDie, match="worker processes cannot be started: its process ended itself with exit code 7"
        ),
    ):
        processes.look(looks(registry, Plan.of(PLAN).resolve(registry).cells()))


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs the system's own list of processes")
def test_no_process_outlives_a_run_that_is_left_early(registry: mex.Registry) -> None:
    def children() -> set[str]:
        return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())

    before = children()
    run = iter(Run({**PLAN, "seeds": 50}, registry, workers=Workers(2, fork=True)))
    next(run)
    assert len(children() - before) == 2
    run.close()
    assert children() <= before


def test_runs_that_nobody_closes_do_not_keep_python_from_ending() -> None:
    script = f"""
        import mex
        from mex.app.matrix.backends import Workers
        from mex.app.matrix.run import Run
        plan = {dict(PLAN, seeds=50)}
        runs = [iter(Run(plan, mex.load_registry(), workers=w)) for w in (Workers(2, fork=True), Workers(1))]
        print(*(next(records)["status"] for records in runs))
        """
    done = subprocess.run([sys.executable, "-c", dedent(script)], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "ok ok\n"), done.stderr
