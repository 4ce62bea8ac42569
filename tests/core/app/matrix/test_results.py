"""Results on disk: appended as cells finish, taken up again after any end."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import mex
from mex.app.matrix.cells import Cell
from mex.app.matrix.json_lines import dump
from mex.app.matrix.record import TIMINGS
from mex.app.matrix.results import FILE, Results
from mex.hooks import hookimpl
from mex.registry.spec import Spec

Record = dict[str, Any]
PLAN: dict[str, Any] = {
    "attacks": ["passive"],
    "defenses": ["none", "bounded-noise"],
    "models": ["logistic"],
    "datasets": ["haberman"],
    "budget": 20,
    "seeds": 2,
}
CELL = Cell(attack=Spec("a"), defense=Spec("d"), model=Spec("m"), dataset=Spec("s"))


class Starts:
    """A plugin that counts what is run."""

    def __init__(self) -> None:
        self.cells: list[Mapping[str, Any]] = []

    @hookimpl
    def mex_cell_started(self, cell: Mapping[str, Any]) -> None:
        self.cells.append(cell)


@pytest.fixture
def starts(registry: mex.Registry) -> Iterator[Starts]:
    plugin = Starts()
    registry.manager.register(plugin)
    yield plugin
    registry.manager.unregister(plugin)


def untimed(records: list[Record]) -> list[Record]:
    return [{k: v for k, v in record.items() if k not in TIMINGS} for record in records]


def lines(directory: Path) -> list[bytes]:
    return (directory / FILE).read_bytes().splitlines()


def test_every_record_is_one_line_of_json(registry: mex.Registry, tmp_path: Path) -> None:
    out = tmp_path / "made" / "on the way"
    records = mex.matrix(PLAN, registry=registry, out=out)
    assert [json.loads(line) for line in lines(out)] == records


def test_a_matrix_run_again_does_nothing_twice(registry: mex.Registry, tmp_path: Path, starts: Starts) -> None:
    first = mex.matrix(PLAN, registry=registry, out=tmp_path)
    kept = lines(tmp_path)
    assert len(starts.cells) == 4
    assert mex.matrix(PLAN, registry=registry, out=tmp_path) == first, "timings as well: read, not run"
    assert len(starts.cells) == 4
    assert lines(tmp_path) == kept


def test_a_larger_matrix_does_only_what_is_missing(registry: mex.Registry, tmp_path: Path, starts: Starts) -> None:
    mex.matrix(PLAN, registry=registry, out=tmp_path)
    records = mex.matrix({**PLAN, "seeds": 3}, registry=registry, out=tmp_path)
    assert [cell["seed"] for cell in starts.cells[4:]] == [2, 2]
    assert [record["seed"] for record in records] == [0, 0, 1, 1, 2, 2]
    assert len(lines(tmp_path)) == 6


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-1],  # the newline did not make it
        lambda content: content[:-40],  # torn in the middle of the last record
        lambda content: content[: -content[::-1].index(b"\n", 1) + 1],  # all but the first byte of it
        lambda content: b"not json\n" + content[:-40],
        lambda content: b'{"cell": 3, "status": "ok"}\n[1, 2]\nnull\n\xff\xfe\x00\n' + content[:-40],
        lambda content: content[:-40] + b"\n" + b'{"cell": "0123"}\n',
    ],
)
def test_damaged_lines_are_run_again_and_the_others_are_not(
    registry: mex.Registry, tmp_path: Path, starts: Starts, damage: Any
) -> None:
    first = mex.matrix(PLAN, registry=registry, out=tmp_path)
    file = tmp_path / FILE
    file.write_bytes(damage(file.read_bytes()))
    again = mex.matrix(PLAN, registry=registry, out=tmp_path)
    assert untimed(again) == untimed(first)
    assert again[:3] == first[:3]
    assert len(starts.cells) - 4 == (again[3] != first[3])
    # What was appended stands on a line of its own, so that a third run has nothing to do.
    assert mex.matrix(PLAN, registry=registry, out=tmp_path) == again


def test_the_last_line_of_a_cell_counts(tmp_path: Path) -> None:
    blank = {**CELL.identity(), "reason": None}
    content = [{**blank, "status": "failed"}, {**blank, "status": "ok"}]
    (tmp_path / FILE).write_text("".join(dump(record) + "\n" for record in content), encoding="utf-8")
    results = Results(tmp_path)
    assert [record["status"] for record in results.records.values()] == ["ok"]
    assert results.damaged == 0


def test_damaged_lines_are_counted(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b'{"cell": "a", "status": "ok"}\n{"cell": "b", "sta\nxx')
    results = Results(tmp_path)
    assert (set(results.records), results.damaged) == ({"a"}, 2)


def test_records_are_read_by_people_as_written(tmp_path: Path) -> None:
    assert dump({"reason": "café ≤ 3"}) == '{"reason": "café ≤ 3"}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        dump({"agreement": float("nan")})


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "taken" / FILE).mkdir(parents=True)
    for place, reason in (("file", "File exists"), ("file/below", "Not a directory"), ("taken", "Is a directory")):
        with pytest.raises(mex.UsageError, match=f"cannot write results to .*{place}: {reason}"):
            Results(tmp_path / place)


def test_a_full_disk_stops_the_matrix_with_one_sentence(registry: mex.Registry, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, hard))  # room for one record and a half
    try:
        with pytest.raises(mex.UsageError, match=r"cannot write .*results.jsonl: File too large"):
            mex.matrix(PLAN, registry=registry, out=tmp_path)
        with pytest.raises(mex.UsageError, match=r"cannot write .*results.jsonl: File too large"):
            mex.matrix(PLAN, registry=registry, out=tmp_path)  # the torn line cannot be ended either
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(mex.matrix(PLAN, registry=registry, out=tmp_path)) == 4
    assert len(lines(tmp_path)) == 5, "four records and the torn line"


def test_two_runs_do_not_write_to_one_directory_at_a_time(tmp_path: Path) -> None:
    first = Results(tmp_path)
    with pytest.raises(mex.UsageError, match=f"another run writes to {tmp_path}"):
        Results(tmp_path)
    first.close()
    Results(tmp_path).close()


def test_what_utf_8_cannot_write_is_written_all_the_same(tmp_path: Path) -> None:
    odd = {"cell": "a", "status": "failed", "reason": "no file caf\udce9.csv"}
    Results(tmp_path).append(odd)
    assert Results(tmp_path).records == {"a": odd}


def test_nonsense_that_nests_deep_is_a_damaged_line(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"[" * 100_000 + b"\n")
    assert Results(tmp_path).damaged == 1
