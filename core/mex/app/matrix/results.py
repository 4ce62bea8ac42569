"""The results of a matrix on disk: one JSON line per cell, appended as cells finish."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from mex.app.matrix.backup import Backup
from mex.app.matrix.json_lines import Flaws, NotARecord, dump, parse, scan
from mex.app.matrix.record import Record
from mex.errors import UsageError

FILE = "results.jsonl"


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


class Results:
    """Appends each record to ``results.jsonl`` and knows which cells are done.

    Attributes:
        records: what the file holds, the last line of each cell, by its digest.
        flaws: what was wrong with the file.
        restored: how many records were written again when it was closed, as somebody had removed them meanwhile.
    """

    def __init__(self, directory: Path) -> None:
        """Open or make ``directory``.

        Raises:
            UsageError: if it cannot be made, read or written, or another run writes there.
        """
        self.path = directory / FILE
        self.records = Stored(self.path)
        self.flaws = Flaws()
        self.restored = 0
        self._disturbed = False
        self._copy = Backup()
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._held = self.path.open("a+b")
            weakref.finalize(self, self._held.close)
            _hold(self._held, directory)
            self._held.seek(0)
            for begins, record in scan(self._held, self.flaws):
                self.records.put(begins, record)
            self._size = self._held.tell()
            torn = self._size > 0 and not _ends_a_line(self._held)
        except OSError as error:
            raise UsageError(f"cannot write results to {directory}: {error.strerror}") from None
        if torn:
            self._write(b"\n")  # end the torn line, or the next record would be lost with it

    def close(self) -> None:
        """Let another run write there; what is known of the cells stays known."""
        self._held.close()

    def finish(self) -> None:
        """Close it; where somebody has cut or removed the file meanwhile, write the records of this run again."""
        if self._held.closed:
            return
        with contextlib.suppress(UsageError):
            if self._disturbed or not self.path.exists() or self.path.stat().st_size < self._size:
                self._restore()
        self.close()
        self._copy.close()

    def _restore(self) -> None:
        for line in self._copy.lines():
            record = parse(line)
            if self.records.find(record["cell"]) is None:
                self.records.put(self._write(line), record)
                self.restored += 1

    def forget_failed(self) -> None:
        """Let cells that failed run again: the line of the later run counts."""
        self.records.forget_failed()

    def complaints(self) -> list[str]:
        """Sentences about what is wrong with the file."""
        return self.flaws.sentences(self.path, "what is missing runs again", "they are not used")

    def _write(self, line: bytes) -> int:
        """Append a line; return where it begins."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:  # opened for each: a disk that is full says so here, and only once
                begins = file.tell()
                if begins < self._size:  # somebody has cut it, maybe within a line
                    self._disturbed = True
                    begins += file.write(b"\n")
                file.write(line)
        except OSError as error:
            raise UsageError(f"cannot write {self.path}: {error.strerror or error}") from None
        self._size = begins + len(line)
        return begins

    def append(self, record: Record) -> None:
        """Write the record of a cell.

        Raises:
            UsageError: if it cannot be written.
        """
        line = dump(record).encode() + b"\n"
        self._copy.add(line)
        self.records.put(self._write(line), record)


def _ends_a_line(file: IO[bytes]) -> bool:
    file.seek(-1, 2)
    return file.read() == b"\n"


def _hold(file: IO[bytes], directory: Path) -> None:
    """Lock ``file`` until it is closed, or its process ends; where there are no locks, do without."""
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UsageError(f"another run writes to {directory}: wait for its end, or name another directory") from None
    except (ImportError, OSError):
        return


def read(directory: Path) -> tuple[list[Record], Flaws]:
    """The records in ``directory``, the last of each cell, in the order they were written; and what is wrong.

    Raises:
        UsageError: if there is no such file, or it cannot be read.
    """
    flaws = Flaws()
    try:
        with (directory / FILE).open("rb") as file:
            records = {record["cell"]: record for _, record in scan(file, flaws)}
    except OSError as error:
        raise UsageError(f"cannot read {directory / FILE}: {error.strerror}") from None
    return list(records.values()), flaws
