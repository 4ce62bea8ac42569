"""The SQLite file of a ledger: its tables, and who may write to it."""

from __future__ import annotations

import sqlite3
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


def hold(path: Path) -> Any:
    """Lock the ledger at ``path`` until it is closed, or the process ends; where there are no locks, do without."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.with_name(path.name + ".lock").open("w")
    except OSError as error:
        raise UsageError(f"cannot write the ledger {path}: {error.strerror}") from None
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise UsageError(f"somebody else writes to the ledger {path}: wait for their end, or name another") from None
    except (ImportError, OSError):
        pass
    return file
