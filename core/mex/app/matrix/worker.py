"""One worker process, as its parent sees it."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import time
import warnings
from pathlib import Path
from typing import Any, TypeAlias

import attrs

from mex.app.matrix.child import serve
from mex.app.matrix.looking import Look
from mex.app.matrix.schedule import Job

PATIENCE = 1.0
"""Seconds that a worker has to end by itself."""

TIME_OVER = "the time of this part of the run was over"
"""Why a cell was ended, or not begun, where a run has a time to end at."""
FOR_ATTACK = 0.8
"""Of the time of a cell how much its attack may take; the rest is for measuring what it has."""
TOO_LONG = "took longer than"
"""How the reason begins of a cell that was ended after its own time."""


def is_late(reason: str | None) -> bool:
    """Whether a record's reason is that it had no more time.

    >>> is_late("took longer than 5 seconds"), is_late("no such file"), is_late(None)
    (True, False, False)
    """
    return reason is not None and reason.startswith((TIME_OVER, TOO_LONG))


Task: TypeAlias = Job | Look
"""A cell to run, or data to look at before."""


@attrs.frozen
class Lost:
    """A task whose process ended: why, and whether it was killed, maybe through no fault of the task."""

    reason: str
    killed: bool = False


@attrs.frozen
class End:
    """When tasks are ended. Attacks are told to stop a little earlier, so that what they have is measured.

    Attributes:
        limit: seconds of wall time that each may take; None for any.
        cpu: seconds of CPU time that each may take; None for any. Where the system does not tell them, of wall time.
        until: the time, as :func:`time.monotonic` has it, at which all are.
    """

    limit: float | None = None
    cpu: float | None = None
    until: float = math.inf

    @property
    def over(self) -> bool:
        """Whether no task starts any more."""
        return time.monotonic() >= self.until

    def of_task(self) -> tuple[float, str]:
        """When a task that starts now is ended, and the reason."""
        own = math.inf if self.limit is None else time.monotonic() + self.limit
        return (self.until, TIME_OVER) if self.until <= own else (own, f"{TOO_LONG} {self.limit:.3g} seconds")

    def patience(self) -> Patience:
        """What tells the attack of a task that starts now when it has to stop."""
        return Patience(self)


class Patience:
    """Tells an attack to stop when it has had most of its time; called after each answer, it returns ``time`` then."""

    def __init__(self, end: End) -> None:
        now = time.monotonic()
        until, self._late = end.of_task()
        self._until = now + FOR_ATTACK * (until - now)
        self._most = end.cpu or math.inf
        self._cpu = time.process_time() + FOR_ATTACK * self._most
        self.reason = ""

    def __call__(self, queries: int) -> str | None:
        """Say ``time`` if it is over."""
        if time.monotonic() > self._until:
            self.reason = f"{self._late}: stopped after {queries} queries"
        elif time.process_time() > self._cpu:
            self.reason = f"{TOO_LONG} {self._most:.3g} seconds of CPU time: stopped after {queries} queries"
        return "time" if self.reason else None


def cpu_seconds(pid: int) -> float:
    """The CPU time that a process has had; where the system does not tell it, the wall time."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return time.monotonic()


class Worker:
    """A process, and the task that it is at."""

    def __init__(self, number: int, context: Any, *given: Any) -> None:
        self.number = number
        self.ready = False
        self.task: Task | None = None
        self._until = math.inf
        self._late = ""
        self._cpu = math.inf
        self._most = 0.0
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

    def give(self, task: Task, end: End) -> None:
        """Send it a task, which is ended as ``end`` says."""
        self.task = task
        self._until, self._late = end.of_task()
        self._most = end.cpu or 0.0
        self._cpu = math.inf if end.cpu is None else cpu_seconds(self.process.pid) + end.cpu
        with contextlib.suppress(OSError):  # it has died, and answer() says so
            self.connection.send(task.cell if isinstance(task, Job) else task)

    @property
    def left(self) -> float:
        """Seconds until its task has taken too long."""
        return self._until - time.monotonic()

    def answer(self) -> str | Lost | None:
        """What has come of its task, or of its start; None if nothing has as yet."""
        with contextlib.suppress(EOFError, OSError):
            if self.connection.poll():
                return str(self.connection.recv_bytes(), "utf-8")
            if self.process.exitcode is None:
                late = "" if self.task is None else self._lateness()
                if not late:
                    return None
                self.kill()
                return Lost(late)
        self.process.join(PATIENCE)
        self.kill()
        code = self.process.exitcode
        if code >= 0:
            return Lost(f"its process ended itself with exit code {code}")
        number = -code
        name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
        return Lost(f"its process was killed by {name}", killed=True)

    def _lateness(self) -> str:
        """Why its task has taken too long; "" if it has not."""
        if self.left <= 0:
            return self._late
        spent = self._cpu < math.inf and cpu_seconds(self.process.pid) > self._cpu
        return f"{TOO_LONG} {self._most:.3g} seconds of CPU time" if spent else ""

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
