"""A ledger to which several processes write in turns: what one of them has paid for, none pays for again."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from mex.toolkit.ledger.files import lock_file, locked
from mex.toolkit.ledger.store import Ledger


class SharedLedger(Ledger):
    """A ledger that is written to in turns, by the processes of a run and by the threads of each.

    Whoever has the turn has all that the others have written, so that a limit holds for all of them together.
    """

    def __init__(self, path: Path, about: Mapping[str, Any] | None = None, *, run: str) -> None:
        """Open or make a ledger; :class:`Ledger` says what is raised.

        Args:
            path: the file.
            about: the target by some names.
            run: what the processes are told apart by from those of earlier runs, who may have met another model.
        """
        self._run = run
        self._turn = threading.Lock()
        with lock_file(path) as file:
            locked(file, wait=True)  # whoever comes first makes the tables
            super().__init__(path, about, alone=False)
            if self.note("run") == run:
                self.recorded = 0
            self.note("run", run)

    @classmethod
    def of(cls, path: Path, about: Mapping[str, Any] | None, run: str) -> Self:
        """The ledger in a file, as it is open in this process already or opened now."""
        return cls._at(path, lambda: cls(path, about, run=run))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).of, (self.path, None, self._run)

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Be the only one who writes; wait for whoever has the turn."""
        assert self.path is not None
        with self._turn, lock_file(self.path) as file:
            locked(file, wait=True)
            with self._lock:
                self._answers.clear()
                self._sent = self._counted()
            yield

    def sent(self, purpose: str) -> int:
        """As :meth:`Ledger.sent`, of all processes together."""
        return self._counted()[purpose]
