"""What several processes of one run share on disk, so that each model is fitted once and not once a process."""

from __future__ import annotations

import contextlib
import hashlib
import pickle
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import attrs

from mex.app.files import replacing

T = TypeVar("T")


@attrs.frozen
class Cache:
    """A private directory of one run, a folder in it for each group of things; without one, nothing is kept.

    Only processes of this run write there, so what is read back is trusted.

    >>> Cache(None).get("group", "name", lambda: 6 * 7)
    42
    """

    directory: Path | None

    def get(self, group: str, name: str, make: Callable[[], T]) -> T:
        """What is kept under ``name``, made by ``make`` if nothing is; who comes second waits for the first."""
        if self.directory is None:
            return make()
        path = self._folder(group) / f"{_digest(name)}.pickle"
        with _only_one(path.with_suffix(".lock")):
            with contextlib.suppress(Exception):  # nothing there, or what was pickled cannot be had back
                made: T = pickle.loads(path.read_bytes())
                return made
            made = make()
            # A plugin's object that cannot be pickled is simply not shared, nor anything if the disk is full.
            with contextlib.suppress(Exception), replacing(path) as part:
                part.write_bytes(pickle.dumps(made))
        return made

    def drop(self, group: str) -> None:
        """Forget a group: nobody needs it any more."""
        if self.directory is not None:
            shutil.rmtree(self._folder(group), ignore_errors=True)

    def _folder(self, group: str) -> Path:
        assert self.directory is not None
        return self.directory / _digest(group)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@contextlib.contextmanager
def _only_one(path: Path) -> Iterator[None]:
    """Hold a lock that the system releases when its holder dies; where there are none, do without."""
    try:
        import fcntl

        path.parent.mkdir(exist_ok=True)
        file = path.open("w")
    except (ImportError, OSError):
        yield
        return
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
