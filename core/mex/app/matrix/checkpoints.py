"""Where workers leave what they finish, until it has arrived."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import attrs

from mex.app.matrix.cells import Cell
from mex.app.matrix.json_lines import NotARecord, dump, parse
from mex.app.matrix.record import Record
from mex.errors import UsageError


@attrs.frozen
class Spool:
    """A directory where workers say which cells they begin and leave what they finish, as JSON.

    So a death can be laid to a cell, and a record outlives both the worker that made it and the parent.

    Raises:
        UsageError: where it cannot be written.
    """

    directory: Path

    def prepare(self) -> None:
        """Make the directory, and forget which cells a run that was killed had begun."""
        with self._told():
            self.directory.mkdir(parents=True, exist_ok=True)
            for begun in self.directory.glob("*.begun"):
                begun.unlink()

    def begin(self, key: str) -> None:
        """Called by the worker."""
        with self._told():
            self._begun(key).touch()

    def leave(self, key: str, record: Record) -> None:
        """Called by the worker; the record is there whole or not at all."""
        part = self._left(key).with_suffix(f".{os.getpid()}")
        with self._told():
            part.write_text(dump(record), encoding="utf-8")
            os.replace(part, self._left(key))

    def begun(self, key: str) -> bool:
        """Whether some worker began the cell."""
        return self._begun(key).exists()

    def take(self, key: str) -> Record | None:
        """The record left for the cell, if there is one."""
        try:
            return parse(self._left(key).read_bytes())
        except (OSError, NotARecord):
            return None

    def clear(self, key: str) -> None:
        """The record has arrived: nothing of the cell is needed any more."""
        self._begun(key).unlink(missing_ok=True)
        self._left(key).unlink(missing_ok=True)

    def _begun(self, key: str) -> Path:
        return self.directory / f"{key}.begun"

    def _left(self, key: str) -> Path:
        return self.directory / f"{key}.json"

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UsageError(f"cannot write {self.directory}: {error.strerror}") from None


def left_over(directory: Path, cells: Iterable[Cell]) -> dict[str, Record]:
    """What a run that was killed had finished of ``cells`` and not yet handed over, by the digests of the cells."""
    spool = Spool(directory)
    taken = {key: spool.take(key) for key in (cell.identity()["cell"] for cell in cells)}
    return {key: record for key, record in taken.items() if record and record["cell"] == key}
