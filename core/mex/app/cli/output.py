"""The command's stdout: kept apart from what plugins print, written in any encoding, and its end told from a bug."""

from __future__ import annotations

import codecs
import contextlib
import errno
import io
import json
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any, TextIO

PLAIN = {
    **dict(zip("▁▂▃▄▅▆▇█", "_.-~=+*#", strict=True)),
    **{"★": "*", "–": "-", "−": "-", "↓": "v", "×": "x", "±": "+-", "…": "...", "²": "2", "·": ".", "‖": "||"},
    **{"≤": "<=", "≥": ">=", "→": "->", "∞": "inf", "ŵ": "w^", "“": '"', "”": '"', "‘": "'", "’": "'"},
}
"""What stands for signs of ours where an encoding has none; of other characters the escape does."""


class StdoutError(OSError):
    """Stdout took no more: its reader has left, its disk is full, or it is closed."""

    @property
    def reader_left(self) -> bool:
        """Whether nobody reads any more, which is no mistake."""
        return self.errno == errno.EPIPE


def _substitute(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(PLAIN.get(c) or c.encode("ascii", "backslashreplace").decode() for c in missing), error.end


codecs.register_error("mex", _substitute)


class _Raw(io.FileIO):
    """A file whose errors are those of stdout."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            raise StdoutError(error.errno, "it is closed" if error.errno == errno.EBADF else error.strerror) from None


def take_over() -> None:
    """Keep stdout for results, in a process that is ours alone.

    Its descriptor becomes another one: what a library of C or a child prints to descriptor 1 goes where complaints go,
    and children do not hold the pipe open. A stream that is closed is replaced, so that no file gets its number.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(
                os.devnull, os.O_RDWR if number != 1 else os.O_RDONLY
            )  # the lowest number that is free; 1 stays unwritable
    if sys.stderr is None:
        sys.stderr = open(2, "w", errors="backslashreplace", closefd=False)  # noqa: SIM115
    before = sys.stdout
    encoding = before.encoding if before is not None else "utf-8"
    if before is not None:
        before.flush()
    own = os.dup(1)
    os.dup2(2, 1)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: let_go(own))
    raw = _Raw(own, "w", closefd=False)
    buffer = io.BufferedWriter(raw)
    at_once = raw.isatty() or getattr(before, "write_through", False)
    sys.stdout = io.TextIOWrapper(buffer, encoding=encoding, errors="mex", line_buffering=at_once)


def let_go(number: int) -> None:
    """Let a descriptor lead nowhere, so that what is still buffered for it harms nothing."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number, inheritable=False)
    os.close(nowhere)


def give_up() -> None:
    """Write nothing more to stdout."""
    with contextlib.suppress(OSError, AttributeError, ValueError):
        let_go(sys.stdout.fileno())


@contextlib.contextmanager
def plugins_aside() -> Iterator[TextIO]:
    """Send to stderr what plugins print meanwhile; yields the command's own stdout."""
    out = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):
        yield out


def say(sentence: object) -> None:
    """Tell the user something that is no result."""
    print(f"mex: {sentence}", file=sys.stderr)


def print_json(value: Mapping[str, Any], out: TextIO | None = None) -> None:
    """Print one JSON object on a line."""
    print_line(json.dumps(value, ensure_ascii=False), out)


def print_line(text: str, out: TextIO | None = None) -> None:
    """Print a text of JSON at once: what the encoding lacks as JSON's own escapes."""
    out = sys.stdout if out is None else out
    try:
        text.encode(out.encoding or "utf-8")
    except UnicodeEncodeError:  # in JSON such characters are in strings only
        text = "".join(c if c.isascii() else json.dumps(c)[1:-1] for c in text)
    print(text, file=out, flush=True)
