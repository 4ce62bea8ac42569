"""The blocks of a page of docs/, run in order in one folder, as its reader would run them.

``sh`` and ``console`` blocks are commands; after ``$ command`` a ``console`` block shows what is printed, with ``...``
for what differs. ``python`` blocks are executed, ``pycon`` blocks are doctests. A block whose first line is
``# name.ext`` is that file. ``toml`` and ``json`` blocks are parsed. Before a block may stand::

    <!-- not run: why -->
    <!-- reduced: why -->      an audit of seconds, its output is not compared; a whole one with MEX_DOCS_WHOLE=1

A command ends with 0, or as its comment ``# exit code 3`` says; one that ends with ``&`` goes on until the page ends.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import json
import os
import re
import runpy
import shlex
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
from forked import Forked

from mex.app.cli import main

FENCE = re.compile(r"(?:<!-- (not run|reduced): ([^\n]+?) -->\n)?^```(\w+)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"(?:# )(\S+\.\w+)\n")
CODE = re.compile(r"\s+# exit code (\d+)$")
LEFT_OUT = re.compile(r"^\.\.\.$", re.MULTILINE)
"""A line that stands for any lines, or none."""
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
SHELL = set("|&;<>$`*")
"""What takes a shell to be understood."""
PARSED = {"toml": tomllib.loads, "json": json.loads}
NOT_COMMANDS = ("text", "yaml", "html", "toctree")
PORT = "8080"
"""What pages call the port of ``mex serve``; a free one is taken instead."""
WHOLE = bool(os.environ.get("MEX_DOCS_WHOLE"))


@attrs.frozen
class Block:
    """A fenced block of a page."""

    language: str
    text: str
    line: int
    marked: str
    reason: str

    @property
    def compared(self) -> bool:
        """Whether the output that it shows is to be that of the run."""
        return self.marked != "reduced" or WHOLE


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page, in order; lists of pages and other directives are none."""
    text = page.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        marked, reason, language, body = found.groups()
        yield Block(language, body, text.count("\n", 0, found.start()) + 1, marked or "", reason or "")


class Terminal(io.StringIO):
    """What a terminal shows."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@attrs.define
class Reader:
    """Somebody who follows a page, in an empty folder that is the working directory."""

    folder: Path
    server: Callable[..., Forked]
    names: dict[str, Any] = attrs.field(factory=lambda: {"__name__": "__main__"})
    running: list[Forked] = attrs.field(factory=list)
    port: str = ""

    def follow(self, block: Block) -> None:
        """Do what a block says.

        Raises:
            AssertionError: if a command ends otherwise than it should, or prints something else.
        """
        text = block.text
        if PORT in text:
            self.port = self.port or _free_port()
            text = text.replace(PORT, self.port)
        name = FILE.match(text)
        if name:
            path = self.folder / name[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        if block.language in PARSED:
            PARSED[block.language](text)
        elif block.language == "python" and not name:
            exec(compile(text, f"line {block.line}", "exec"), self.names)
        elif block.language == "pycon":
            self._session(text)
        elif block.language in ("sh", "console"):
            for command, shown in commands(text, prompts=block.language == "console"):
                printed = self.run(command)
                if shown and block.compared:
                    assert alike(shown.replace(PORT, self.port or PORT), printed), (
                        f"$ {command}\nis to print\n{shown}\nand printed\n{printed}"
                    )
        else:
            assert name or block.language in (*NOT_COMMANDS, "python"), f"nothing runs a block of {block.language}"

    def _session(self, text: str) -> None:
        test = doctest.DocTestParser().get_doctest(text, self.names, "page", None, 0)
        said: list[str] = []
        failed = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=said.append, clear_globs=False).failed
        self.names.update(test.globs)
        assert not failed, "".join(said)

    def run(self, command: str) -> str:
        """Run a command, in this process if it is one of ours, and return what a terminal shows."""
        code = CODE.search(command)
        wanted, command = int(code[1]) if code else 0, CODE.sub("", command)
        if command.endswith("&"):
            self.start(command[:-1])
            return ""
        words = shlex.split(command, comments=True)
        if words and words[0] in ("mex", "python") and not SHELL & set(re.sub(r'"[^"$]*"|\'[^\']*\'', "", command)):
            ended, printed = _here(words)
        else:
            done = subprocess.run(["bash", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            ended, printed = done.returncode, done.stdout
        assert ended == wanted, f"$ {command}\nended with {ended}, not {wanted}, and printed\n{printed}"
        return printed

    def start(self, command: str) -> None:
        """Start a server of ours and wait until it listens."""
        ours, *argv = shlex.split(command)
        assert ours == "mex", f"nothing starts {command}"
        started = self.server(*argv)
        self.running.append(started)
        end = time.monotonic() + 300
        while not _listens(int(self.port)):
            assert started.poll() is None, started.communicate()
            assert time.monotonic() < end, f"{command} does not listen at {self.port}"
            time.sleep(0.1)

    def leave(self) -> None:
        """Stop what goes on."""
        for process in self.running:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def alike(shown: str, printed: str) -> bool:
    """Whether what is printed is what a page shows, however it is spaced; ``...`` stands for anything.

    >>> alike("a.\\n...\\nb 1...3", "a.\\n b 123"), alike("a\\n...", "a"), alike("a", "ab")
    (True, True, False)
    """
    pieces = [piece for part in LEFT_OUT.split(shown) for piece in " ".join(part.split()).split("...")]
    pattern = ".*".join(map(re.escape, pieces))
    return re.fullmatch(pattern, " ".join(printed.split()), re.DOTALL) is not None


def commands(text: str, prompts: bool) -> Iterator[tuple[str, str]]:
    """The commands of a block, and what each is to print: nothing where a block has no prompts."""
    joined = text.replace("\\\n", " ")
    if not prompts:
        yield from ((line, "") for line in joined.splitlines() if line.strip() and not line.startswith("#"))
        return
    for part in re.split(r"^\$ ", joined, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        yield command, shown


def _here(words: list[str]) -> tuple[int, str]:
    """The exit code of a command of ours that runs in this process, and what it prints."""
    shown = Terminal()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(shown):
            if words[0] == "mex":
                ended = main(words[1:])
            else:
                runpy.run_path(words[1], run_name="__main__")
                ended = 0
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return ended, shown.getvalue()


def _free_port() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def on_path() -> str:
    """The search path of commands with this environment's own first."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
