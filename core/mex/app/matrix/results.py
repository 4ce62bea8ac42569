"""The results of a matrix on disk: one JSON line per cell, appended as cells finish."""

from __future__ import annotations

import json
import weakref
from pathlib import Path
from typing import IO, Any

from mex.errors import UsageError

FILE = "results.jsonl"


class Results:
    """Appends each record to ``results.jsonl`` and knows which cells are done.

    Attributes:
        records: what the file holds, the last line of each cell, by its digest.
        damaged: how many lines of it were no records (a torn last line after a crash).
    """

    def __init__(self, directory: Path) -> None:
        """Open or make ``directory``.

        Raises:
            UsageError: if it cannot be made, read or written, or another run writes there.
        """
        self.path = directory / FILE
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._held = self.path.open("a+b")
            weakref.finalize(self, self._held.close)
            _hold(self._held, directory)
            self._held.seek(0)
            content = self._held.read()
        except OSError as error:
            raise UsageError(f"cannot write results to {directory}: {error.strerror}") from None
        self.records, self.damaged = _records(content)
        if content and not content.endswith(b"\n"):
            self._write(b"\n")  # end the torn line, or the next record would be lost with it

    def close(self) -> None:
        """Let another run write there; what is known of the cells stays known."""
        self._held.close()

    def forget_failed(self) -> None:
        """Let cells that failed run again: the line of the later run counts."""
        self.records = {cell: record for cell, record in self.records.items() if record["status"] != "failed"}

    def _write(self, line: bytes) -> None:
        try:
            with self.path.open("ab") as file:  # opened for each: a disk that is full says so here, and only once
                file.write(line)
        except OSError as error:
            raise UsageError(f"cannot write {self.path}: {error.strerror or error}") from None

    def append(self, record: dict[str, Any]) -> None:
        """Write the record of a cell.

        Raises:
            UsageError: if it cannot be written.
        """
        self._write(dump(record).encode() + b"\n")
        self.records[record["cell"]] = record


def _hold(file: IO[bytes], directory: Path) -> None:
    """Lock ``file`` until it is closed, or its process ends; where there are no locks, do without."""
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UsageError(f"another run writes to {directory}: wait for its end, or name another directory") from None
    except (ImportError, OSError):
        return


def read(directory: Path) -> tuple[list[dict[str, Any]], int]:
    """The records in ``directory``, in the order they were written, and how many lines of the file are none.

    Raises:
        UsageError: if there is no such file, or it cannot be read.
    """
    try:
        records, damaged = _records((directory / FILE).read_bytes())
    except OSError as error:
        raise UsageError(f"cannot read {directory / FILE}: {error.strerror}") from None
    return list(records.values()), damaged


def _records(content: bytes) -> tuple[dict[str, dict[str, Any]], int]:
    """The last record of each cell, by its digest, and the number of lines that are no record."""
    lines = [parse(line) for line in content.splitlines()]
    return {record["cell"]: record for record in lines if record}, lines.count(None)


def dump(record: dict[str, Any]) -> str:
    """A record as its JSON line."""
    line = json.dumps(record, allow_nan=False, ensure_ascii=False)
    try:
        line.encode()
    except UnicodeEncodeError:  # the name of a file in a reason may be no text
        return json.dumps(record, allow_nan=False)
    return line


def parse(line: bytes) -> dict[str, Any] | None:
    """The record of a JSON line; None if it is no record."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    whole = isinstance(record, dict) and isinstance(record.get("cell"), str) and "status" in record
    return record if whole else None
