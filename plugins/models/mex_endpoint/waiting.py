"""How long to wait before a request is sent again, and between requests."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

BASE, MOST = 0.1, 20.0
"""Seconds: the first back-off at most, and every one at most."""
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
    """Lets so many requests start in a second, at even distances, whatever the number of threads."""

    def __init__(
        self,
        per_second: float | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._distance = 0.0 if per_second is None else 1 / per_second
        self._lock = threading.Lock()
        self._next = 0.0
        self._clock = clock
        self._sleep = sleep

    def wait(self) -> None:
        """Wait for one's turn."""
        if not self._distance:
            return
        with self._lock:
            start = max(self._next, self._clock())
            self._next = start + self._distance
        self._sleep(max(0.0, start - self._clock()))
