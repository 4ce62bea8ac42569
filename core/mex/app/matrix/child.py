"""What a worker process does: it answers the tasks that it is sent, one after another, until it is sent None.

Nothing heavy is imported here: a worker that starts afresh first says how many threads the numeric libraries may have.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from mex.app.warned import show_each_once

if TYPE_CHECKING:
    from mex.app.matrix.cells import Cell
    from mex.app.matrix.looking import Look
    from mex.app.matrix.worker import End
    from mex.registry import Registry

WATCH = 0.5
"""Seconds between two looks of a worker at whether its parent lives."""
LIBRARIES = ("OMP", "OPENBLAS", "MKL", "BLIS", "VECLIB_MAXIMUM", "NUMBA", "NUMEXPR")


class Closable(Protocol):
    """What the parent holds open and a worker must not."""

    def close(self) -> None:
        """Close it."""


def serve(
    connection: Connection,
    parent: int,
    private: Path,
    ledgers: Path | None,
    end: End,
    live: bytes | None = None,
    registry: Registry | None = None,
    held: Closable | None = None,
) -> None:
    """Answer tasks: a cell with its record as a line of JSON, a look at data with what was seen.

    Args:
        connection: where tasks come from and answers go to; the first answer says that the worker is ready.
        parent: the process that sends them: when it is gone, so is the worker.
        private: the directory of this run that workers share.
        ledgers: where ledgers are kept, if they are.
        end: when cells are ended.
        live: objects that are components as well (:class:`mex.app.matrix.live.Live`).
        registry: the components; by default, those installed.
        held: what a worker that was forked closes first.
    """
    if held is not None:
        held.close()
    _settle(parent, private)
    from mex.app.matrix import ledgers as kept
    from mex.app.matrix import scenarios
    from mex.app.matrix.cache import Cache
    from mex.registry.loader import load_registry

    registry = registry or load_registry()
    if live is not None:
        from mex.app.matrix.live import Live

        registry = Live.unpacked(live).added_to(registry)
    scenarios.cache = Cache(private)
    kept.directory = ledgers
    connection.send_bytes(b"")
    with contextlib.suppress(EOFError, OSError):  # the parent is gone
        while (task := connection.recv()) is not None:
            connection.send_bytes(_answer(registry, task, end).encode(errors="replace"))


def _answer(registry: Registry, task: Cell | Look, end: End) -> str:
    from mex.app.matrix.cells import Cell
    from mex.app.matrix.experiment import run_cell
    from mex.app.matrix.json_lines import dump
    from mex.app.matrix.looking import look_at

    return dump(run_cell(registry, task, end.patience())) if isinstance(task, Cell) else look_at(registry, task)


def _settle(parent: int, private: Path) -> None:
    """Leave Ctrl-C and stdout to the parent, let one thread work, and end when the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number and callable(signal.getsignal(number)):  # the handler is the parent's
            signal.signal(number, signal.SIG_DFL)
    sys.stdout = sys.stderr = sys.__stderr__
    show_each_once()
    with contextlib.suppress(OSError):
        os.dup2(2, 1)  # what a library of C prints is no record either
    os.environ.update({f"{library}_NUM_THREADS": "1" for library in LIBRARIES})
    threading.Thread(target=_watch, args=(parent, private), daemon=True).start()


def _watch(parent: int, private: Path) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH)
    shutil.rmtree(private, ignore_errors=True)
    os._exit(1)
