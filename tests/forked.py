"""``mex`` in processes of its own that start in milliseconds: copies of one that has imported what a matrix imports.

A copy has its own session, descriptors, arguments and environment, runs ``python -m mex`` from the first line to the
last, and ends as Python does; only what is imported when it begins is not as in a new process.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any, TextIO

WORDS = 1 << 20
"""The most bytes that arguments and environment take."""


class Forked:
    """A process that was started so, with as much of :class:`subprocess.Popen` as tests use."""

    def __init__(self, status: socket.socket, pid: int, stdout: TextIO, stderr: TextIO) -> None:
        self.pid, self.stdout, self.stderr = pid, stdout, stderr
        self.returncode: int | None = None
        self._status = status

    def poll(self) -> int | None:
        """The exit code, or None while it goes on."""
        self._status.setblocking(False)
        return self._ended()

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end."""
        self._status.settimeout(timeout)
        if self._ended() is None:
            raise subprocess.TimeoutExpired("mex", timeout or 0.0)
        assert self.returncode is not None
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What it has printed when it has ended."""
        said = {"out": "", "err": ""}
        streams = {"out": self.stdout, "err": self.stderr}

        def read(name: str) -> None:
            if not streams[name].closed:
                said[name] = streams[name].read()

        threads = [threading.Thread(target=read, args=(name,), daemon=True) for name in streams]
        end = None if timeout is None else time.monotonic() + timeout
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(None if end is None else max(0.0, end - time.monotonic()))
            if thread.is_alive():
                raise subprocess.TimeoutExpired("mex", timeout or 0.0)
        self.wait(None if end is None else max(0.1, end - time.monotonic()))
        return said["out"], said["err"]

    def send_signal(self, number: int) -> None:
        """Send it a signal, and not its children."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def end(self) -> None:
        """See to it that it and its children have ended, and close what was opened for it."""
        if self.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
            self.wait(60)
        for stream in (self.stdout, self.stderr, self._status):
            stream.close()

    def _ended(self) -> int | None:
        if self.returncode is None:
            try:
                self.returncode = int(self._status.recv(16))
            except (BlockingIOError, TimeoutError):
                return None
        return self.returncode


class Forks:
    """The process that is copied; it starts with the first copy."""

    def __init__(self) -> None:
        self._ours: socket.socket | None = None

    def start(
        self,
        argv: list[str],
        env: Mapping[str, str],
        *,
        onto: str | None = None,
        terminal: int | None = None,
        most: int | None = None,
    ) -> Forked:
        """Start ``mex`` with these arguments and variables, in the folder of this process.

        Its stdout goes to a pipe or onto a file, its stderr to a pipe or a descriptor; ``most`` is how many bytes a
        file of its may have.
        """
        if self._ours is None:
            self._begin()
        assert self._ours is not None
        status, theirs = socket.socketpair()
        (out, into_out), (err, into_err) = os.pipe(), os.pipe()
        asked = {"argv": argv, "env": dict(env), "folder": os.getcwd(), "path": sys.path, "most": most}
        if onto is not None:
            os.close(into_out)
            into_out = os.open(onto, os.O_WRONLY)
        if terminal is not None:
            os.close(into_err)
            into_err = os.dup(terminal)
        socket.send_fds(self._ours, [json.dumps(asked).encode()], [into_out, into_err, theirs.fileno()])
        for number in (into_out, into_err):
            os.close(number)
        theirs.close()
        status.settimeout(300)
        return Forked(status, int(status.recv(16)), os.fdopen(out), os.fdopen(err))

    def close(self) -> None:
        """End the process that is copied."""
        if self._ours is not None:
            self._ours.close()
            self._process.wait(60)

    def _begin(self) -> None:
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        number = str(theirs.fileno())
        self._process = subprocess.Popen([sys.executable, __file__, number], pass_fds=[theirs.fileno()])
        theirs.close()


def _requests(ours: socket.socket) -> dict[str, Any]:
    """Wait for what to start; returns in each copy, and ends this process when nobody asks any more."""
    waiting = 0
    while True:
        words, given, *_ = socket.recv_fds(ours, WORDS, 3)
        if not words:
            for _ in range(waiting):
                os.wait()
            sys.exit()
        if os.fork() == 0:
            break
        waiting += 1
        while waiting and os.waitpid(-1, os.WNOHANG)[0]:
            waiting -= 1
        for number in given:
            os.close(number)
    ours.close()
    out, err, status = given
    child = os.fork()
    if child != 0:  # this one only waits for it, to say how it ended
        os.close(out)
        os.close(err)
        os.write(status, str(child).encode().ljust(16))
        _, code = os.waitpid(child, 0)
        os.write(status, str(os.waitstatus_to_exitcode(code)).encode().ljust(16))
        os._exit(0)
    os.close(status)
    os.setsid()
    for number, standard in ((out, 1), (err, 2)):
        os.dup2(number, standard)
        os.close(number)
    return dict(json.loads(words))


if __name__ == "__main__":
    import importlib
    import resource
    import runpy

    for name in ("sklearn.linear_model", "sklearn.tree", "mex.app.matrix.run", "mex.app.cli.matrix", "mex.app.gateway"):
        importlib.import_module(name)
    asked = _requests(socket.socket(fileno=int(sys.argv[1])))
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked["folder"])
    if asked["most"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (asked["most"], asked["most"]))
    sys.path[:] = [*asked["env"].get("PYTHONPATH", "").split(os.pathsep), *asked["path"]]
    sys.argv = ["mex", *asked["argv"]]
    runpy.run_module("mex", run_name="__main__", alter_sys=True)
