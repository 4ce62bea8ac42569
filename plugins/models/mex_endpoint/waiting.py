"""How long to wait before a request is sent again, and between requests."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import IO

from mex.toolkit.ledger.files import lock_file, locked

BASE, MOST = 0.1, 20.0
"""Seconds: the first back-off at most, and every one at most."""
FARTHEST = 100
"""How many starts ahead the next one is believed to lie: a clock may have been put back."""
LEAST = 0.05
"""Seconds: a connection that a server is about to close is not taken again so soon."""


def retry_after(header: str | None, now: float) -> float | None:
    """Seconds that a server asks to wait, in either form of its header; None if it does not say.

    >>> retry_after("3", 0.0), retry_after("Thu, 01 Jan 1970 00:00:10 GMT", 4.0), retry_after("soon", 0.0)
    (3.0, 6.0, None)
    """
    if header is None:
        return None
    if header.strip().isdigit():
        return float(header)
    try:
        then = parsedate_to_datetime(header)
    except (TypeError, ValueError):
        return None
    return max(0.0, (then if then.tzinfo else then.replace(tzinfo=UTC)).timestamp() - now)


def back_off(failures: int, asked: float | None) -> float:
    """Seconds to wait after so many failures: as long as was ``asked``, and full jitter."""
    jitter = max(LEAST, random.uniform(0, min(MOST, BASE * 2.0**failures)))
    return jitter if asked is None else asked + jitter * LEAST


def now() -> float:
    """Seconds since 1970."""
    return datetime.now(UTC).timestamp()


class Rate:
    """Lets so many requests start in a second, at even distances, whatever the number of threads.

    With a ``path``, whatever the number of processes: the file says when the next one may start, in seconds since 1970.
    """

    def __init__(
        self,
        per_second: float | None,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        path: Path | None = None,
    ) -> None:
        self._distance = 0.0 if per_second is None else 1 / per_second
        self._lock = threading.Lock()
        self._next = 0.0
        self._clock = clock or (time.monotonic if path is None else time.time)
        self._sleep = sleep
        self._path = path

    def wait(self) -> None:
        """Wait for one's turn."""
        if not self._distance:
            return
        with self._lock:
            start = self._taken() if self._path is None else self._taken_from(self._path)
        self._sleep(max(0.0, start - self._clock()))

    def _taken(self) -> float:
        now = self._clock()
        start = max(now, min(self._next, now + FARTHEST * self._distance))
        self._next = start + self._distance
        return start

    def _taken_from(self, path: Path) -> float:
        with locked_file(path) as file:
            with contextlib.suppress(ValueError):  # nobody has been there
                self._next = float(file.read())
            start = self._taken()
            file.seek(0)
            file.truncate()
            file.write(repr(self._next))
        return start


@contextlib.contextmanager
def one_of(count: int, path: Path | None) -> Iterator[None]:
    """Be one of so many at once, in all processes that are given the same path; without one, always."""
    if path is None:
        yield
        return
    with contextlib.ExitStack() as stack:
        while True:
            for i in range(count):
                file = stack.enter_context(lock_file(path.with_name(f"{path.name}.{i}")))
                if locked(file, wait=count == 1):
                    yield
                    return
                file.close()
            time.sleep(LEAST)


@contextlib.contextmanager
def locked_file(path: Path) -> Iterator[IO[str]]:
    """A file that is made if there is none, while no other process has it."""
    with path.open("a+") as file:
        locked(file, wait=True)
        file.seek(0)
        yield file
