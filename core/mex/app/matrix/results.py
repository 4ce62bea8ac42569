"""The results of a matrix on disk: one JSON line per cell, appended as cells finish."""

from __future__ import annotations

import contextlib
import os
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from mex.app.matrix.backup import Backup
from mex.app.matrix.json_lines import Flaws, dump, parse, scan
from mex.app.matrix.record import Record
from mex.app.matrix.stored import Stored
from mex.errors import UsageError

FILE = "results.jsonl"


class Results:
    """Appends each record to ``results.jsonl`` and knows which cells are done.

    Attributes:
        records: what the file holds, the last line of each cell, by its digest.
        flaws: what was wrong with the file.
        restored: how many records were written again when it was closed, as somebody had removed them meanwhile.
        trouble: why records wait to be written; "" if none do.
        aside: the directory that keeps those that still waited when it was closed, if one could be made.
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
        self.trouble = ""
        self.aside: Path | None = None
        self._waiting: list[Record] = []
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
        """Close it; where somebody has cut or removed the file meanwhile, write the records of this run again.

        Those that cannot be written even now are kept aside.
        """
        if self._held.closed:
            return
        with contextlib.suppress(UsageError):
            if self._disturbed or not self.path.exists() or self.path.stat().st_size < self._size:
                self._restore()
        self._write_waiting()
        self.aside = kept_aside(self._waiting)
        self.close()
        self._copy.close()

    @property
    def unwritten(self) -> str:
        """A sentence if records could not be written, and where they are kept if it is closed; or ""."""
        if not self.trouble:
            return ""
        several = "1 record" if len(self._waiting) == 1 else f"{len(self._waiting)} records"
        if self.aside is None:
            return f"{self.trouble}; {several} not written, as there was no room elsewhere either"
        return f"{self.trouble}; {several} kept in {self.aside / FILE}: append that to it when there is room"

    def _restore(self) -> None:
        for line in self._copy.lines():
            record = parse(line)
            if record not in self._waiting and self.records.find(record["cell"]) is None:
                self.records.put(self._write(line), record)
                self.restored += 1

    def forget_failed(self) -> None:
        """Let cells that failed run again: the line of the later run counts."""
        self.records.forget_failed()

    def complaints(self) -> list[str]:
        """Sentences about what is wrong with the file."""
        return self.flaws.sentences(self.path, "what is missing runs again", "they are not used")

    def _write(self, line: bytes) -> int:
        """Append a line, all of it or nothing; return where it begins."""
        begins = None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:  # opened for each: a disk that is full says so here, and only once
                begins = file.tell()
                if begins < self._size:  # somebody has cut it, maybe within a line
                    self._disturbed = True
                    begins += file.write(b"\n")
                file.write(line)
        except OSError as error:
            if begins is not None:
                with contextlib.suppress(OSError):
                    os.truncate(self.path, begins)
            raise UsageError(f"cannot write {self.path}: {error.strerror or error}") from None
        self._size = begins + len(line)
        return begins

    def append(self, record: Record) -> None:
        """Write the record of a cell; if that cannot be, it waits for the next one, or for the end."""
        self._copy.add(_line(record))
        self._waiting.append(record)
        self._write_waiting()

    def _write_waiting(self) -> None:
        self.trouble = ""
        while self._waiting:
            try:
                begins = self._write(_line(self._waiting[0]))
            except UsageError as error:
                self.trouble = str(error)
                return
            self.records.put(begins, self._waiting.pop(0))


def _line(record: Record) -> bytes:
    return dump(record).encode() + b"\n"


def kept_aside(records: Sequence[Record]) -> Path | None:
    """Write records to a new directory for temporary files, as ``--out`` does; None if there are none, or no room."""
    if not records:
        return None
    try:
        results = Results(Path(tempfile.mkdtemp(prefix="mex-records-")))
    except (OSError, UsageError):
        return None
    for record in records:
        results.append(record)
    results.close()
    return None if results.trouble else results.path.parent


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
