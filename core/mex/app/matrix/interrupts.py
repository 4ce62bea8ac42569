"""Telling a user's Ctrl-C from a KeyboardInterrupt that a plugin raises or swallows."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


@contextlib.contextmanager
def user_interrupts() -> Iterator[Callable[[], bool]]:
    """Yield a function that tells whether one of :data:`SIGNALS` that somebody handles has come meanwhile.

    >>> with user_interrupts() as interrupted, contextlib.suppress(KeyboardInterrupt):
    ...     signal.raise_signal(signal.SIGINT)
    >>> interrupted()
    True
    """
    come: list[int] = []
    if threading.current_thread() is not threading.main_thread():  # where signals never arrive
        yield lambda: False
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    handlers = {number: handler for number, handler in before.items() if callable(handler)}

    def note(number: int, frame: FrameType | None) -> Any:
        come.append(number)
        return handlers[number](number, frame)

    for number in handlers:
        signal.signal(number, note)
    try:
        yield lambda: bool(come)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
