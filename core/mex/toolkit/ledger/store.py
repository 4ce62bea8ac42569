"""The ledger: every attempt to ask, and every answer."""

from __future__ import annotations

import contextlib
import functools
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from mex.errors import BudgetSpent
from mex.toolkit.ledger.files import check_about, connect, hold, note, saying
from mex.toolkit.ledger.journal import UNCHARGED
from mex.toolkit.ledger.values import Question, Row, Value, key_of, packed
from mex.types import Array, FloatArray

_open: weakref.WeakValueDictionary[Path, Ledger] = weakref.WeakValueDictionary()


class Ledger:
    """What was asked of one target: each attempt written before it is sent, each answer with its outcome.

    An attempt is ``sent`` until it has another outcome: ``answered``, together with its answers in one transaction, or
    one that :class:`Journal` names. One that stays ``sent`` was under way when its process ended.

    What is written survives the end of the process, however sudden. One process writes to a ledger, others may read it.

    Attributes:
        path: the file, None for a ledger in memory.
        recorded: how many answers it held when it was opened.
    """

    def __init__(
        self,
        path: Path | None = None,
        about: Mapping[str, Any] | None = None,
        *,
        read_only: bool = False,
        alone: bool = True,
    ) -> None:
        """Open or make a ledger; use :meth:`at` where it may be open in this process already.

        Args:
            path: the file; None keeps it in memory.
            about: the target by some names: JSON-ready values.
            read_only: of a file that is there, nothing is written.
            alone: whether no other process may write to it until it is closed.

        Raises:
            UsageError: if it cannot be written, is no ledger, is of another target, or somebody else writes to it.
        """
        self.path = path
        self.read_only = read_only
        self._lock = threading.RLock()
        resources = contextlib.ExitStack()
        self._close = weakref.finalize(self, resources.close)
        if path is not None and alone and not read_only:
            resources.enter_context(hold(path))
        with self._saying():
            self._db = connect(path, read_only)
            resources.callback(self._db.close)
            check_about(self._db, path, about or {})
            self.recorded = self.answers
            self._answers: dict[str, dict[Question, Value]] = {}
            self._sent = self._counted()

    @classmethod
    def at(cls, path: Path | None, about: Mapping[str, Any] | None = None, *, read_only: bool = False) -> Self:
        """The ledger in a file, as it is open in this process already or opened now."""
        if path is None or read_only:
            return cls(path, about, read_only=read_only)
        return cls._at(path, lambda: cls(path, about))

    @classmethod
    def _at(cls, path: Path, make: Callable[[], Self]) -> Self:
        found = _open.get(path.resolve()) or _open.setdefault(path.resolve(), make())
        assert isinstance(found, cls)
        return found

    def close(self) -> None:
        """Close the file: another process may write to it."""
        if self.path is not None:
            _open.pop(self.path, None)
        self._close()

    def turn(self) -> contextlib.AbstractContextManager[None]:
        """A time in which nobody else writes: for a ledger with one writer, any time."""
        return contextlib.nullcontext()

    def __reduce__(self) -> tuple[Any, ...]:
        return functools.partial(Ledger.at, self.path, read_only=self.read_only), ()

    def begin(self, purpose: str, kind: str, rows: int, limit: int | None = None) -> int:
        """Write down that so many rows are about to be sent; return the number of the attempt.

        Raises:
            BudgetSpent: if more than ``limit`` rows would have been sent for this purpose.
        """
        with self._lock, self._saying():
            sent = self._sent[purpose]
            if limit is not None and sent + rows > limit:
                raise BudgetSpent(f"{sent} of {limit} rows have been sent, and {rows} more would go past them")
            self._sent[purpose] = sent + rows
            done = self._db.execute(
                "insert into attempt values (null, ?, ?, ?, ?, null, 'sent', null)", (purpose, kind, rows, time.time())
            )
            assert done.lastrowid is not None
            return done.lastrowid

    def end(self, attempt: int, outcome: str, code: int | None = None) -> None:
        """Write down how an attempt ended that brought no answers to be kept."""
        with self._lock, self._saying():
            self._db.execute(
                "update attempt set ended = ?, outcome = ?, code = ? where id = ?",
                (time.time(), outcome, code, attempt),
            )
            if outcome in UNCHARGED:
                ((purpose, rows),) = self._db.execute("select purpose, rows from attempt where id = ?", (attempt,))
                self._sent[purpose] -= rows

    def answered(self, attempt: int, kind: str, X: FloatArray, questions: Sequence[Question], answers: Array) -> None:
        """Keep the answers of an attempt, masked ones as refusals, together with its outcome.

        ``questions`` name the rows of ``X``, shape (n, d), each with how often it was asked before.
        """
        values = packed(answers)
        asked = zip(questions, X, values, strict=True)
        rows = [(attempt, i, kind, before, x.tobytes(), y) for i, ((_, before), x, y) in enumerate(asked)]
        with self._lock, self._saying():
            self._db.execute("begin")
            try:
                self._db.executemany("insert into answer values (?, ?, ?, ?, ?, ?)", rows)
                self.end(attempt, "answered")
            except BaseException:
                self._db.execute("rollback")
                raise
            self._db.execute("commit")
            self._known(kind).update(zip(questions, values, strict=True))

    def recall(self, kind: str, questions: Sequence[Question]) -> dict[int, Value]:
        """What was answered to questions of this kind, by their places; what was not is left out."""
        with self._lock, self._saying():
            known = self._known(kind)
            return {i: known[question] for i, question in enumerate(questions) if question in known}

    def _known(self, kind: str) -> dict[Question, Value]:
        """The answers of a kind: read from the file once."""
        if kind not in self._answers:
            rows = list(self.rows(kind))
            self._answers[kind] = {(key_of(row.x), row.occurrence): row.y for row in rows}
        return self._answers[kind]

    def sent(self, purpose: str) -> int:
        """How many rows were sent for a purpose and may have been charged, those sent again among them."""
        return self._sent[purpose]

    @property
    def answers(self) -> int:
        """How many answers it holds."""
        with self._lock, self._saying():
            return int(self._db.execute("select count(*) from answer").fetchone()[0])

    def totals(self) -> list[tuple[str, str, int, int]]:
        """Purpose, outcome, number of attempts, and their rows."""
        count = "select purpose, outcome, count(*), sum(rows) from attempt group by purpose, outcome order by min(id)"
        with self._lock:
            return list(self._db.execute(count))

    def rows(self, kind: str | None = None, first: int | None = None) -> Iterator[Row]:
        """The rows that were answered, in the order in which they were asked, those refused too.

        Args:
            kind: of the answers; None for all.
            first: how many, each once.
        """
        once = "" if first is None else "and occurrence = 0 and y is not null"
        look = f"select attempt, place, kind, occurrence, x, y from answer where ? in (kind, '') {once}"
        with self._lock, self._saying():
            found = self._db.execute(f"{look} order by rowid limit ?", (kind or "", first or -1))
            yield from map(Row._make, found.fetchall())

    def note(self, name: str, value: Any = None) -> Any:
        """What is kept under a name beside the answers; ``value``, a JSON-ready one, is kept if one is given."""
        with self._lock, self._saying():
            return note(self._db, name, value)

    def _counted(self) -> Counter[str]:
        """How many rows were sent for each purpose and may have been charged."""
        sent = Counter[str]()
        for purpose, outcome, _, rows in self.totals():
            sent[purpose] += rows * (outcome not in UNCHARGED)
        return sent

    def _saying(self) -> contextlib.AbstractContextManager[None]:
        return saying("read" if self.read_only else "write", self.path)
