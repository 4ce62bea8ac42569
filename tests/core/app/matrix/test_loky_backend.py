"""Cells in processes: what is shared, what is left behind, what is collected."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from mex.app.matrix.checkpoints import Spool

import mex
from mex.app.matrix.cache import Shelf
from mex.app.matrix.cells import Cell
from mex.app.matrix.engine import SPOOL
from mex.app.matrix.json_lines import dump
from mex.app.matrix.plan import Plan
from mex.app.matrix.record import TIMINGS
from mex.app.matrix.results import FILE
from mex.app.matrix.scenarios import shelf_keys
from mex.registry.spec import Spec

PLAN: dict[str, Any] = {
    "attacks": ["passive"],
    "defenses": ["none"],
    "models": ["logistic"],
    "datasets": ["haberman"],
    "budget": 20,
    "seeds": 3,
}


def test_what_stands_on_a_shelf_is_made_once_by_whoever_comes_first(tmp_path: Path) -> None:
    made = []

    def make() -> list[int]:
        made.append(time.sleep(0.05))
        return [1, 2]

    got: list[list[int]] = []
    callers = [threading.Thread(target=lambda: got.append(Shelf(tmp_path).get("a", make))) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert got == [[1, 2]] * 4
    assert len(made) == 1
    Shelf(tmp_path).drop("a")
    assert not list(tmp_path.iterdir())
    assert Shelf(tmp_path).get("a", make) == [1, 2]
    assert len(made) == 2


class Stubborn:
    def __setstate__(self, state: object) -> None:
        raise ValueError("no")

    def __getstate__(self) -> dict[str, int]:
        return {"a": 1}

    def __str__(self) -> str:
        return "made"


def test_what_cannot_be_pickled_or_written_is_simply_not_shared(tmp_path: Path) -> None:
    made = Shelf(tmp_path).get("a", lambda: lambda: 5)
    assert made() == 5
    assert not list(tmp_path.glob("*.pickle"))
    assert Shelf(tmp_path / "missing").get("b", lambda: 6) == 6
    for _ in range(2):  # it can be pickled, and not be had back
        assert str(Shelf(tmp_path).get("c", Stubborn)) == "made"


def test_what_fails_on_a_shelf_fails_for_everyone_and_holds_no_lock(tmp_path: Path) -> None:
    def impossible() -> None:
        raise mex.Incompatible("never")

    for _ in range(2):
        with pytest.raises(mex.Incompatible):
            Shelf(tmp_path).get("a", impossible)


def test_cells_share_a_scene_unless_model_dataset_or_seed_differ(registry: mex.Registry) -> None:
    cells = Plan.of({**PLAN, "attacks": ["passive", "margin"], "seeds": 1}).resolve(registry).cells()
    assert shelf_keys(cells[0]) == shelf_keys(cells[1])
    noisy = Cell(
        attack=cells[0].attack,
        defense=Spec("bounded-noise", {"rho": 0.1}),
        model=cells[0].model,
        dataset=cells[0].dataset,
    )
    assert shelf_keys(noisy)[0] == shelf_keys(cells[0])[0]
    assert shelf_keys(noisy)[1] != shelf_keys(cells[0])[1]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_record_left_by_a_run_that_was_killed_is_collected_and_not_run_again(
    registry: mex.Registry, tmp_path: Path, jobs: int
) -> None:
    cells = Plan.of(PLAN).resolve(registry).cells()
    whole = mex.matrix(PLAN, registry=registry)
    spool = Spool(tmp_path / SPOOL)
    spool.directory.mkdir()
    marked = {**whole[1], "reason": "found in the spool"}
    spool.leave(cells[1].identity()["cell"], marked)
    (spool.directory / f"{cells[2].identity()['cell']}.json").write_text('{"cell": "torn')
    records = mex.matrix(PLAN, registry=mex.load_registry(), jobs=jobs, out=tmp_path)

    def untimed(found: list[dict[str, Any]]) -> list[str]:
        return [dump({k: v for k, v in record.items() if k not in TIMINGS}) for record in found]

    assert untimed(records) == untimed([whole[0], marked, whole[2]])
    assert len((tmp_path / FILE).read_text(encoding="utf-8").splitlines()) == 3
    assert not spool.directory.exists()


def test_a_spool_tells_who_began_and_takes_only_whole_records(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    assert not spool.begun("a")
    assert spool.take("a") is None
    spool.begin("a")
    spool.leave("a", {"cell": "a", "status": "ok"})
    assert spool.begun("a")
    assert spool.take("a") == {"cell": "a", "status": "ok"}
    spool.clear("a")
    assert not list(tmp_path.iterdir())


def test_a_new_run_does_not_hold_against_a_cell_that_the_last_one_was_killed_in_it(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "new")
    spool.prepare()
    spool.begin("a")
    spool.leave("b", {"cell": "b", "status": "ok"})
    spool.prepare()
    assert not spool.begun("a")
    assert spool.take("b")


def test_a_spool_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "missing")
    for write in (lambda: spool.begin("a"), lambda: spool.leave("a", {})):
        with pytest.raises(mex.UsageError, match=f"cannot write {tmp_path}/missing: No such file"):
            write()
    (tmp_path / "file").touch()
    with pytest.raises(mex.UsageError, match="cannot write"):
        Spool(tmp_path / "file" / "spool").prepare()


def test_in_processes_a_cell_that_takes_too_long_has_failed(tmp_path: Path) -> None:
    records = mex.matrix(PLAN, jobs=2, time_limit=1e-6, out=tmp_path)
    assert {(record["status"], record["reason"]) for record in records} == {
        ("failed", "took longer than 1e-06 seconds")
    }
    again = mex.matrix(PLAN, jobs=2, time_limit=300, out=tmp_path, retry_failed=True)
    assert {record["status"] for record in again} == {"ok"}


@pytest.mark.parametrize("limit", [0, -1, float("inf"), float("nan"), True, "1"])
def test_a_time_limit_is_a_number_above_zero(limit: Any) -> None:
    with pytest.raises(mex.UsageError, match="a time limit must be a number of seconds above 0"):
        mex.matrix(PLAN, time_limit=limit)


def test_no_time_limit_where_no_alarm_rings() -> None:
    with pytest.raises(mex.UsageError, match="not"):
        mex.matrix(PLAN, backend="dask", scheduler="tcp://127.0.0.1:1", time_limit=1)
    got: list[dict[str, Any]] = []
    thread = threading.Thread(target=lambda: got.extend(mex.matrix(PLAN, time_limit=1)))
    thread.start()
    thread.join()
    assert {record["reason"] for record in got} == {
        "a time limit needs a main thread of a system with alarms: use jobs=2, or do without"
    }
