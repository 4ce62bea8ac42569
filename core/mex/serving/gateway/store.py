"""What several workers share and restarts find again: the memory of each client, counters, and a few facts."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from mex.errors import MexError, UsageError

VERSION = 1
TABLES = """
create table client (name text primary key, version integer not null, memory text not null) without rowid;
create table counter (name text primary key, value integer not null) without rowid;
create table fact (name text primary key, value text not null) without rowid;
"""
WAIT = 5.0
"""Seconds that a worker waits for another one to have written."""


class StoreFailed(MexError):
    """What clients asked before cannot be read or written: nobody may be answered."""


class Store(Protocol):
    """Memories of clients that are changed by comparing and setting: nobody overwrites what he has not seen."""

    def read(self, client: str) -> tuple[str | None, int]:
        """The memory of a client, None if there is none yet, and its version.

        Raises:
            StoreFailed: if it cannot be read.
        """
        ...

    def write(self, client: str, memory: str, version: int) -> bool:
        """Keep a memory in the place of the one of this ``version``; False, and nothing, if there is another by now.

        Raises:
            StoreFailed: if it cannot be written.
        """
        ...

    def count(self, amounts: Mapping[str, int]) -> None:
        """Add to counters."""
        ...

    def counters(self) -> dict[str, int]:
        """All counters."""
        ...

    def fact(self, name: str, value: str) -> str:
        """What is kept under a name; ``value`` is, if there was nothing."""
        ...


class SQLiteStore:
    """A :class:`Store` in a file, for all workers on one machine.

    It is written ahead and not synchronised at each commit: what was written survives the end of the process, however
    sudden; the last changes may be lost with the power.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, or make it, to be read by its owner only.

        Raises:
            UsageError: if it cannot be read and written, or is something else.
        """
        self.path = path
        self._lock = threading.Lock()
        try:
            path.touch(mode=0o600)
            self._db = sqlite3.connect(path, timeout=WAIT, isolation_level=None, check_same_thread=False)
            self._db.execute("pragma journal_mode = wal")
            self._db.execute("pragma synchronous = normal")
            self._db.execute("begin immediate")
            if not self._db.execute("select 1 from sqlite_master").fetchone():
                for statement in filter(str.strip, TABLES.split(";")):
                    self._db.execute(statement)
                self._db.execute(f"pragma user_version = {VERSION}")
            self._db.execute("commit")
            found = self._db.execute("pragma user_version").fetchone()[0]
            strange = found != VERSION or not self._db.execute("select 1 from sqlite_master where name = 'client'")
        except (OSError, sqlite3.Error) as error:
            raise UsageError(f"the store {path} cannot be used: {getattr(error, 'strerror', None) or error}") from None
        if strange:
            self.close()
            raise UsageError(f"{path} is no store of this version of mex")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def read(self, client: str) -> tuple[str | None, int]:
        """As :meth:`Store.read`."""
        with self._using() as db:
            found = db.execute("select memory, version from client where name = ?", (client,)).fetchone()
        return found or (None, 0)

    def write(self, client: str, memory: str, version: int) -> bool:
        """As :meth:`Store.write`."""
        with self._using() as db:
            if version == 0:
                done = db.execute("insert or ignore into client values (?, 1, ?)", (client, memory))
            else:
                change = "update client set memory = ?, version = version + 1 where name = ? and version = ?"
                done = db.execute(change, (memory, client, version))
        return done.rowcount == 1

    def count(self, amounts: Mapping[str, int]) -> None:
        """As :meth:`Store.count`."""
        add = "insert into counter values (?, ?) on conflict (name) do update set value = value + excluded.value"
        with self._using() as db:
            db.execute("begin immediate")
            try:
                db.executemany(add, amounts.items())
            finally:
                db.execute("commit")

    def counters(self) -> dict[str, int]:
        """As :meth:`Store.counters`."""
        with self._using() as db:
            return dict(db.execute("select name, value from counter order by name").fetchall())

    def fact(self, name: str, value: str) -> str:
        """As :meth:`Store.fact`."""
        with self._using() as db:
            db.execute("insert or ignore into fact values (?, ?)", (name, value))
            return str(db.execute("select value from fact where name = ?", (name,)).fetchone()[0])

    @contextlib.contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._db
            except sqlite3.Error as error:
                raise StoreFailed(f"the store {self.path} cannot be used: {error}") from None
