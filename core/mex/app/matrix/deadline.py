"""A time limit for a cell."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from mex.errors import UsageError


class Overdue(BaseException):
    """A cell has run for too long. Not an Exception, so that no plugin takes it for one of its own."""


@contextlib.contextmanager
def deadline(seconds: float | None) -> Iterator[None]:
    """Let what is inside run for so many seconds of wall time; None is for ever.

    The alarm rings between two steps of Python: a long call of a library is not cut short.

    Raises:
        Overdue: inside, when the time is up.
        UsageError: where there is no alarm clock, which is outside the main thread and on Windows.

    >>> with contextlib.suppress(Overdue), deadline(0.01):
    ...     while True:
    ...         pass
    """
    if seconds is None:
        yield
        return
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        raise UsageError("a time limit needs a main thread of a system with alarms: use jobs=2, or do without")

    def ring(signum: int, frame: FrameType | None) -> None:
        raise Overdue

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
