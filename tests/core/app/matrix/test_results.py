"""Results on disk: appended as cells finish, taken up again after any end."""

from __future__ import annotations

import json
import os
import resource
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from records import record

import mex
from mex.app.matrix.cells import Cell
from mex.app.matrix.json_lines import dump
from mex.app.matrix.record import TIMINGS, Record
from mex.app.matrix.results import FILE, Results, read
from mex.app.matrix.run import Run
from mex.hooks import hookimpl
from mex.registry.spec import Spec

PLAN: dict[str, Any] = {
    "attacks": ["passive"],
    "defenses": ["none", "bounded-noise"],
    "models": ["logistic"],
    "datasets": ["haberman"],
    "budget": 20,
    "seeds": 2,
    "counters": False,
}
CELL = Cell(attack=Spec("a"), defense=Spec("d"), model=Spec("m"), dataset=Spec("s"))
Limit: TypeAlias = Callable[[int], None]


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
    content = [record(status="failed", reason="no"), record()]
    (tmp_path / FILE).write_text("".join(dump(one) + "\n" for one in content), encoding="utf-8")
    results = Results(tmp_path)
    assert list(results.records.values()) == [content[1]]
    assert results.complaints() == []
    results.forget_failed()
    assert len(results.records) == 1


def test_lines_that_are_no_records_are_named_in_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / FILE
    file.write_bytes(dump(record()).encode() + b'\n\n{"cell": "b", "sta\n[1, 2]\nnull\n\xff\n{"cell": "c"}\n{"ce')
    results = Results(tmp_path)
    assert list(results.records) == ["a none 0"]
    first = "it is not JSON from column 19 on"
    others = "line 4 (it must be an object, not [1, 2]), line 5 (it must be an object, not None) and 3 more"
    assert results.complaints() == [
        f"{file}: 6 lines are no records: line 3 ({first}), {others}; what is missing runs again"
    ]


def test_records_of_another_version_are_told_and_not_used(tmp_path: Path) -> None:
    old = record(mex_version="0.0.9")
    older = {name: value for name, value in {**old, "mex_version": "0.0.8"}.items() if name != "near_agreement"}
    (tmp_path / FILE).write_text(f"{dump(old)}\n{dump(older)}\n", encoding="utf-8")
    lacking, other = Results(tmp_path).complaints()
    this = f"and this is '{mex.__version__}'"
    assert f"line 2 (there is no field 'near_agreement'; a record of mex '0.0.8', {this});" in lacking
    assert other.endswith(f"there are records of another version, 1 of mex '0.0.9', {this}; they are not used")


def test_a_file_that_somebody_changes_under_a_run_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(dump(record()) + "\n", encoding="utf-8")
    results = Results(tmp_path)
    (tmp_path / FILE).write_text("", encoding="utf-8")
    with pytest.raises(mex.UsageError, match="was changed by somebody else"):
        list(results.records.values())


@pytest.mark.parametrize("how", ["cut", "emptied", "removed"])
def test_a_file_that_somebody_cuts_under_a_run_is_whole_at_its_end(
    registry: mex.Registry, tmp_path: Path, how: str
) -> None:
    mex.matrix({**PLAN, "seeds": 1}, registry=registry, out=tmp_path)
    run = Run({**PLAN, "seeds": 3}, registry, out=tmp_path)
    records = []
    for one in run:
        records.append(one)
        if len(records) == 1:
            os.truncate(tmp_path / FILE, 100)  # of the two that were kept, one has been read
        elif len(records) == 4 and how == "emptied":
            os.truncate(tmp_path / FILE, 0)
        elif len(records) == 4 and how == "removed":
            shutil.rmtree(tmp_path)
    plain = mex.matrix({**PLAN, "seeds": 3}, registry=registry)
    assert untimed(records) == untimed(plain)
    kept, _ = read(tmp_path)
    assert {r["cell"] for r in kept} == {r["cell"] for r in plain[1:]}, "but for the one that an earlier run had made"
    assert [r for r in records[1:] if r not in kept] == []
    assert ("was cut by somebody else" in run.restored) == (how != "cut")


def test_a_line_of_another_cell_is_never_taken_for_the_one_that_was_there(tmp_path: Path) -> None:
    one, other = record("a"), record("b")
    (tmp_path / FILE).write_text(dump(one) + "\n", encoding="utf-8")
    results = Results(tmp_path)
    (tmp_path / FILE).write_text(dump(other) + "\n", encoding="utf-8")
    assert results.records.find(one["cell"]) is None


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


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Limit]:
    """Files may have so many bytes at most, 0 for no limit."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path_factory.mktemp("aside")))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size if size else soft, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_records_that_a_full_disk_did_not_take_are_returned_and_kept_aside(
    registry: mex.Registry, tmp_path: Path, full_disk: Limit
) -> None:
    full_disk(4000)  # room for two records and a half
    with pytest.warns(RuntimeWarning, match=r"cannot write .*: File too large; 2 records kept in \S+: app") as told:
        records = mex.matrix(PLAN, registry=registry, out=tmp_path)
    full_disk(0)
    assert len(lines(tmp_path)) == 2, "no torn line"
    aside = Path(str(told[0].message).partition(" kept in ")[2].partition(": ")[0])
    with (tmp_path / FILE).open("ab") as file:
        file.write(aside.read_bytes())
    assert mex.matrix(PLAN, registry=registry, out=tmp_path) == records, "nothing runs again"


def test_a_disk_with_room_again_takes_what_waited(registry: mex.Registry, tmp_path: Path, full_disk: Limit) -> None:
    said: list[str] = []
    run = Run(PLAN, registry, out=tmp_path, on_read=said.append, persistent=True)
    full_disk(4000)
    records = []
    for one in run:
        records.append(one)
        if len(records) == 3:
            full_disk(0)
    assert read(tmp_path)[0] == records
    assert run.unwritten == ""
    assert [sentence for sentence in said if "cannot write" in sentence] == [
        f"cannot write {tmp_path / FILE}: File too large; the run goes on, and tries again with each record"
    ]


def test_a_run_that_has_to_be_kept_ends_with_one_sentence(
    registry: mex.Registry, tmp_path: Path, full_disk: Limit, monkeypatch: pytest.MonkeyPatch
) -> None:
    full_disk(4000)
    seen: list[Record] = []
    with pytest.raises(mex.UsageError, match=r"cannot write .*File too large; 1 record kept in"):
        seen.extend(Run(PLAN, registry, out=tmp_path))
    assert len(seen) == 2
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    with pytest.raises(mex.UsageError, match=r"1 record not written, as there was no room elsewhere either"):
        list(Run(PLAN, registry, out=tmp_path))


def test_two_runs_do_not_write_to_one_directory_at_a_time(tmp_path: Path) -> None:
    first = Results(tmp_path)
    with pytest.raises(mex.UsageError, match=f"another run writes to {tmp_path}"):
        Results(tmp_path)
    first.close()
    Results(tmp_path).close()


def test_what_utf_8_cannot_write_is_written_all_the_same(tmp_path: Path) -> None:
    odd = record(status="failed", reason="no file caf\udce9.csv")
    Results(tmp_path).append(odd)
    assert Results(tmp_path).records == {odd["cell"]: odd}


def test_nonsense_that_nests_deep_is_a_damaged_line(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"[" * 100_000 + b"\n")
    assert "line 1 (it nests too deep)" in Results(tmp_path).complaints()[0]
