"""Lines in a file without a name: what a run has written, should somebody cut its file meanwhile."""

from __future__ import annotations

import contextlib
import tempfile
import weakref
import zlib
from collections.abc import Iterator


class Backup:
    """Lines kept compressed where the system keeps temporary files; those for which there is no room are left out.

    >>> backup = Backup()
    >>> backup.add(b"a line")
    >>> list(backup.lines())
    [b'a line']
    """

    def __init__(self) -> None:
        self._file = None
        with contextlib.suppress(OSError):
            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - it is closed with its owner
            weakref.finalize(self, self._file.close)

    def add(self, line: bytes) -> None:
        """Add a line."""
        packed = zlib.compress(line, 1)
        whole = len(packed).to_bytes(8, "big") + packed
        if self._file is not None:
            with contextlib.suppress(OSError):
                before = self._file.tell()
                if self._file.write(whole) < len(whole):
                    self._file.truncate(self._file.seek(before))

    def lines(self) -> Iterator[bytes]:
        """All lines, in the order in which they were added."""
        if self._file is None:
            return
        self._file.seek(0)
        while len(length := self._file.read(8)) == 8:
            yield zlib.decompress(self._file.read(int.from_bytes(length, "big")))

    def close(self) -> None:
        """Forget them."""
        if self._file is not None:
            self._file.close()
