"""Processes that answer at one address: started again if they die, ended together."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, TypeAlias

import uvicorn

from mex.errors import MexError, UsageError, sentence

Make: TypeAlias = Callable[[], Any]
"""Makes the application of a worker, in its process."""

GRACE = 5
"""Seconds that requests under way are given when the gateway ends, and seconds more before its workers are killed."""
BACKLOG = 2048
"""Connections that wait until a worker takes them."""
CONCURRENT = 512
"""Connections of a worker at once; more are answered 503."""
QUICK, PAUSE = 10.0, 1.0
"""Seconds: a worker that dies sooner after its start is started again after a pause."""


def bound(host: str, port: int) -> socket.socket:
    """A socket for an address, on which nobody listens yet.

    Raises:
        UsageError: if the address cannot be had.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with contextlib.ExitStack() as unless_bound:
            held = unless_bound.enter_context(socket.socket(family, kind, protocol))
            if os.name == "posix":  # elsewhere it would share the port with others
                held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            held.bind(address)
            unless_bound.pop_all()
    except (OSError, UnicodeError) as error:
        raise UsageError(f"cannot listen on {host}:{port}: {getattr(error, 'strerror', None) or error}") from None
    return held


def server_of(application: Any) -> uvicorn.Server:
    """The server of one process."""
    warnings.filterwarnings("ignore", message="X does not have valid feature names")
    config = uvicorn.Config(
        application,
        log_level="critical",
        access_log=False,
        proxy_headers=False,  # who asks is decided by Clients alone
        server_header=False,
        limit_concurrency=CONCURRENT,
        timeout_graceful_shutdown=GRACE,
        lifespan="off",
        ws="none",
    )
    return uvicorn.Server(config)


def serve(make: Make, listening: socket.socket, workers: int, ready: Callable[[], None]) -> None:
    """Answer at a socket until the process is told to end; ``ready`` is called once when it does.

    Raises:
        MexError: if a worker cannot start.
        KeyboardInterrupt: when it is told to.
    """
    if workers == 1:
        server = server_of(make())
        listening.listen(BACKLOG)  # who is told the address may ask at once
        ready()
        server.run(sockets=[listening])
        return
    _Crew(make, listening, workers).work(ready)


class _Crew:
    """The workers of a gateway, in processes of their own."""

    def __init__(self, make: Make, listening: socket.socket, workers: int) -> None:
        self._make = make
        self._listening = listening
        self._context = multiprocessing.get_context("spawn")
        self._members: list[tuple[SpawnProcess, Connection, float]] = []
        self._workers = workers

    def work(self, ready: Callable[[], None]) -> None:
        try:
            for _ in range(self._workers):
                self._start()
            for _, ours, _ in self._members:
                self._hear(ours)
            self._listening.listen(BACKLOG)
            ready()
            while True:
                wait([process.sentinel for process, _, _ in self._members])
                self._replace()
        finally:
            self._end()

    def _start(self) -> None:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_worker, args=(self._make, self._listening, theirs), daemon=True)
        process.start()
        theirs.close()
        self._members.append((process, ours, time.monotonic()))

    def _hear(self, ours: Connection) -> None:
        """Wait until a worker answers requests."""
        try:
            error = ours.recv()
        except EOFError:
            raise MexError("a worker of the gateway died before it could answer") from None
        if error is not None:
            raise error

    def _replace(self) -> None:
        for member in list(self._members):
            process, ours, since = member
            if process.is_alive():
                continue
            self._members.remove(member)
            ours.close()
            print(
                f"mex: a worker died (exit code {process.exitcode}) and is started again", file=sys.stderr, flush=True
            )
            if time.monotonic() - since < QUICK:
                time.sleep(PAUSE)
            self._start()

    def _end(self) -> None:
        for process, ours, _ in self._members:
            ours.close()
            with contextlib.suppress(OSError, AttributeError):
                process.terminate()
        until = time.monotonic() + 2 * GRACE
        for process, _, _ in self._members:
            process.join(max(0.0, until - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()


def _worker(make: Make, listening: socket.socket, theirs: Connection) -> None:
    """Answer until told to end, or until the process that started this one has gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is for that process, which ends this one
    try:
        server = server_of(make())
    except BaseException as error:
        with contextlib.suppress(OSError):
            theirs.send(error if isinstance(error, MexError) else MexError(sentence(error)))
        return

    def watch() -> None:
        with contextlib.suppress(EOFError, OSError):
            theirs.recv()  # nothing is ever sent: it ends with its other end
        server.should_exit = True

    theirs.send(None)
    threading.Thread(target=watch, daemon=True).start()
    server.run(sockets=[listening])
