"""One worker process, as its parent sees it."""

from __future__ import annotations

import contextlib
import os
import signal
import time
import warnings
from typing import Any, TypeAlias

import attrs

from mex.app.matrix.child import serve
from mex.app.matrix.looking import Look
from mex.app.matrix.schedule import Job

PATIENCE = 1.0
"""Seconds that a worker has to end by itself."""

Task: TypeAlias = Job | Look
"""A cell to run, or data to look at before."""


@attrs.frozen
class Lost:
    """A task whose process ended: why, and whether it was killed, maybe through no fault of the task."""

    reason: str
    killed: bool = False


class Worker:
    """A process, and the task that it is at."""

    def __init__(self, number: int, context: Any, *given: Any) -> None:
        self.number = number
        self.ready = False
        self.task: Task | None = None
        self._since = 0.0
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, os.getpid(), *given))
        with warnings.catch_warnings():
            # Forked only where the process is ours: a bar on the terminal may be its other thread.
            warnings.simplefilter("ignore", DeprecationWarning)
            self.process.start()
        theirs.close()

    @property
    def idle(self) -> bool:
        """Whether it could be given a task."""
        return self.ready and self.task is None

    def give(self, task: Task) -> None:
        """Send it a task."""
        self.task = task
        self._since = time.monotonic()
        with contextlib.suppress(OSError):  # it has died, and answer() says so
            self.connection.send(task.cell if isinstance(task, Job) else task)

    def left(self, limit: float) -> float:
        """Seconds until its task has taken too long."""
        return self._since + limit - time.monotonic()

    def answer(self, limit: float | None) -> str | Lost | None:
        """What has come of its task, or of its start; None if nothing has as yet."""
        with contextlib.suppress(EOFError, OSError):
            if self.connection.poll():
                return str(self.connection.recv_bytes(), "utf-8")
            if self.process.exitcode is None:
                if limit is None or self.task is None or self.left(limit) > 0:
                    return None
                self.kill()
                return Lost(f"took longer than {limit:g} seconds")
        self.process.join(PATIENCE)
        self.kill()
        code = self.process.exitcode
        if code >= 0:
            return Lost(f"its process ended itself with exit code {code}")
        number = -code
        name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
        return Lost(f"its process was killed by {name}", killed=True)

    def dismiss(self) -> None:
        """Tell it to end, if it is at nothing."""
        if self.idle:
            with contextlib.suppress(OSError):
                self.connection.send(None)

    def end(self) -> None:
        """See to it that its process has ended."""
        if self.idle:
            self.process.join(PATIENCE)
        self.kill()

    def kill(self) -> None:
        """End its process at once."""
        if self.process.exitcode is None:
            os.kill(self.process.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
            self.process.join()
        self.connection.close()
