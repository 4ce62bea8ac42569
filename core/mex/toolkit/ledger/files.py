"""The SQLite file of a ledger: its tables, and who may write to it."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mex.errors import UsageError

VERSION = 1
TABLES = """
create table about (name text primary key, value text not null) without rowid;
create table attempt (
    id integer primary key, purpose text not null, kind text not null, rows integer not null, started real not null,
    ended real, outcome text not null, code integer);
create table answer (
    attempt integer not null, place integer not null, kind text not null, occurrence integer not null,
    x blob not null, y);
"""


def connect(path: Path | None, read_only: bool) -> sqlite3.Connection:
    """A connection to the ledger at ``path``, which is made if there is none; None is one in memory.

    What is committed survives the end of the process, however sudden: a write-ahead log that is not synchronised at
    each commit, so that the last ones may be lost with the power.

    Raises:
        UsageError: if the file is no ledger.
        sqlite3.Error: if it cannot be read or written.
    """
    where = ":memory:" if path is None else f"{path.resolve().as_uri()}?mode={'ro' if read_only else 'rwc'}"
    db = sqlite3.connect(where, isolation_level=None, check_same_thread=False, uri=path is not None)
    try:
        if not read_only:
            db.execute("pragma journal_mode = wal")
            db.execute("pragma synchronous = normal")
            if not db.execute("select 1 from sqlite_master").fetchone():
                db.executescript(f"begin; {TABLES} pragma user_version = {VERSION}; commit;")
        if db.execute("pragma user_version").fetchone()[0] != VERSION:
            raise UsageError(f"{path} is no ledger of this version of mex")
    except BaseException:
        db.close()
        raise
    return db


def note(db: sqlite3.Connection, name: str, value: Any = None) -> Any:
    """What is kept under a name beside the answers; ``value``, a JSON-ready one, is kept if one is given."""
    if value is not None:
        db.execute("insert or replace into about values (?, ?)", (name, json.dumps(value)))
    found = db.execute("select value from about where name = ?", (name,)).fetchone()
    return None if found is None else json.loads(found[0])


def check_about(db: sqlite3.Connection, path: Path | None, about: Mapping[str, Any]) -> None:
    """Note what a ledger is of, or raise :class:`UsageError` if it is of something else."""
    for name, value in about.items():
        before = note(db, name)
        if before is None:
            note(db, name, value)
        elif before != json.loads(json.dumps(value)):
            raise UsageError(f"{path} is the ledger of another target: its {name} is {before}, not {value}")


def hold(path: Path) -> Any:
    """Lock the ledger at ``path`` until what is returned is closed, or the process ends.

    Raises:
        UsageError: if another process has it locked, or it cannot be written.
    """
    file = lock_file(path)
    if not locked(file, wait=False):
        file.close()
        raise UsageError(f"somebody else writes to the ledger {path}: wait for their end, or name another")
    return file


def lock_file(path: Path) -> Any:
    """The file beside ``path`` that is locked in its place.

    Raises:
        UsageError: if it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.with_name(path.name + ".lock").open("w")
    except OSError as error:
        raise UsageError(f"cannot write the ledger {path}: {error.strerror}") from None


def locked(file: Any, *, wait: bool) -> bool:
    """Lock an open file until it is closed, or the process ends; where there are no locks, do without.

    Without ``wait``, False if another process has it locked.
    """
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except (ImportError, OSError):
        pass
    return True


@contextlib.contextmanager
def saying(what: str, path: Path | None) -> Iterator[None]:
    """Make a :class:`UsageError` of what the database says when a ledger is read or written."""
    try:
        yield
    except sqlite3.Error as error:
        raise UsageError(f"cannot {what} the ledger {path or 'in memory'}: {error}") from None
