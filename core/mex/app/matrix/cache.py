"""What several processes of one run share on disk, so that each model is fitted once and not once a process."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import attrs

T = TypeVar("T")


@attrs.frozen
class Shelf:
    """A private directory of one run; without one, everything is made by who asks.

    Only processes of this run write there, so what is read back is trusted.

    >>> Shelf(None).get("anything", lambda: 6 * 7)
    42
    """

    directory: Path | None

    def get(self, key: str, make: Callable[[], T]) -> T:
        """What stands under ``key``, made by ``make`` if nothing does; who comes second waits for the first."""
        if self.directory is None:
            return make()
        path = self._path(key)
        with _only_one(path.with_suffix(".lock")):
            with contextlib.suppress(Exception):  # nothing there, or what was pickled cannot be had back
                made: T = pickle.loads(path.read_bytes())
                return made
            made = make()
            # A plugin's object that cannot be pickled is simply not shared, nor anything if the disk is full.
            with contextlib.suppress(Exception):
                part = path.with_suffix(".part")
                part.write_bytes(pickle.dumps(made))
                os.replace(part, path)
        return made

    def drop(self, key: str) -> None:
        """Forget what stands under ``key``: nobody needs it any more."""
        if self.directory is not None:
            for suffix in (".pickle", ".lock", ".part"):
                self._path(key).with_suffix(suffix).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        assert self.directory is not None
        return self.directory / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.pickle"


@contextlib.contextmanager
def _only_one(path: Path) -> Iterator[None]:
    """Hold a lock that the system releases when its holder dies; where there are none, do without."""
    try:
        import fcntl

        file = path.open("w")
    except (ImportError, OSError):
        yield
        return
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
