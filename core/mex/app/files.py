"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from mex.errors import UsageError

KINDS = (
    (stat.S_ISDIR, "directory"),
    (stat.S_ISFIFO, "named pipe"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISCHR, "device"),
    (stat.S_ISBLK, "device"),
)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a place beside ``path`` to write to; at the end it takes the place of ``path``, unless something is raised.

    Where ``path`` is a symbolic link, the link stays and what it leads to is replaced. Only a regular file is.

    Raises:
        UsageError: if it cannot be written.
    """
    part: Path | None = None
    try:
        whole = _place(path)
        part = whole.with_name(f".mex-{secrets.token_hex(8)}.part")
        yield part
        with contextlib.suppress(FileNotFoundError):
            part.chmod(stat.S_IMODE(whole.stat().st_mode))  # who may read the old one may read the new one
        os.replace(part, whole)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        with contextlib.suppress(OSError):
            if part is not None:
                part.unlink(missing_ok=True)


def check_writable(path: Path) -> None:
    """Raise :class:`UsageError` if ``path`` cannot be written, before anything is paid for."""
    try:
        part = _place(path).with_name(f".mex-{secrets.token_hex(8)}.part")
        part.touch(exist_ok=False)
        part.unlink()
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from None


def _place(path: Path) -> Path:
    """Where the file itself is, behind symbolic links.

    Raises:
        UsageError: if what is there is no regular file.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return path.resolve()
    except ValueError as error:
        raise UsageError(f"cannot write {str(path)!r}: {error}") from None
    if not stat.S_ISREG(mode):
        kind = next((name for is_kind, name in KINDS if is_kind(mode)), "special file")
        raise UsageError(f"cannot write {path}: it is a {kind}")
    return path.resolve()
