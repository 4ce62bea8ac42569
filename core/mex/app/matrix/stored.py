"""The records in a file of JSON lines, by the digests of their cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from mex.app.matrix.json_lines import NotARecord, parse
from mex.app.matrix.record import Record
from mex.errors import UsageError


class Stored(Mapping[str, Record]):
    """The records of a file by the digests of their cells, read when asked for: a hundred thousand take no room."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begins: dict[str, int] = {}
        self._failed: set[str] = set()

    def __getitem__(self, cell: str) -> Record:
        record = self.find(cell)
        if record is None:
            raise UsageError(f"{self._path} was changed by somebody else: the record of {cell} is gone")
        return record

    def find(self, cell: str) -> Record | None:
        """The record of a cell; None if somebody has changed the file and it is not where it was."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._begins[cell])
                record = parse(file.readline())
        except (OSError, NotARecord):
            return None
        return record if record["cell"] == cell else None

    def __iter__(self) -> Iterator[str]:
        return iter(self._begins)

    def __len__(self) -> int:
        return len(self._begins)

    def __contains__(self, cell: object) -> bool:
        return cell in self._begins

    def put(self, begins: int, record: Record) -> None:
        """Note where the line of a record begins; the last one of a cell counts."""
        self._begins[record["cell"]] = begins
        (self._failed.add if record["status"] == "failed" else self._failed.discard)(record["cell"])

    def forget_failed(self) -> None:
        """Forget the records of cells that failed."""
        for cell in self._failed:
            del self._begins[cell]
        self._failed.clear()
