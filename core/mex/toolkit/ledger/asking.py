"""Asking through a ledger: what was answered is replayed, what was not is sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, TypeAlias

import attrs
import numpy as np

from mex.answers import checked_answers
from mex.toolkit.ledger.journal import BatchFailed, Journal
from mex.toolkit.ledger.store import Ledger
from mex.toolkit.ledger.values import Question, keys_of, rows_of, unpacked
from mex.types import Answer, Array, BoolArray, FloatArray

AGAIN = 5
"""How many recorded rows are asked again before a ledger goes on, to see whether the target is still the same."""
TOLERANCE = 1e-5
"""How far two answers of one model may differ that are numbers: the last digits depend on a batch and on float32."""

Send: TypeAlias = Callable[[FloatArray, Answer, Journal], tuple[Array, int]]
"""Sends rows, and writes each attempt down; returns the answers and the attempt that brought them."""


@attrs.frozen
class _Journal:
    """Attempts for one purpose and kind of answer."""

    ledger: Ledger
    purpose: str
    kind: Answer
    limit: int | None

    def begin(self, rows: int) -> int:
        """As :meth:`Journal.begin`."""
        return self.ledger.begin(self.purpose, self.kind, rows, self.limit)

    def end(self, attempt: int, outcome: str, code: int | None = None) -> None:
        """As :meth:`Journal.end`."""
        self.ledger.end(attempt, outcome, code)


@attrs.frozen(eq=False)
class _Asked:
    """What was asked at once, and whom."""

    X: FloatArray
    questions: list[Question]
    kind: Answer
    send: Send
    classes: Array | None


class Session:
    """One client who asks through a ledger, from the beginning: a row is known by how often this client asked it.

    So the second answer to a row is the second one recorded, and the noise of a random defense stays noise.

    Attributes:
        ledger: where attempts and answers are kept.
        purpose: what is asked for, such as ``attack``.
        limit: rows that may be sent for this purpose, None for any number.
        notes: what the user should be told: that the target has changed.
    """

    def __init__(self, ledger: Ledger, purpose: str, limit: int | None = None) -> None:
        self.ledger = ledger
        self.purpose = purpose
        self.limit = limit
        self.notes: list[str] = []
        self._asked: Counter[tuple[Answer, bytes]] = Counter()
        self._resumes = ledger.recorded > 0

    def afresh(self) -> Session:
        """Another client of the same ledger, who has asked nothing."""
        return Session(self.ledger, self.purpose, self.limit)

    def __reduce__(self) -> tuple[Any, ...]:
        return Session, (self.ledger, self.purpose, self.limit)

    def ask(
        self, X: FloatArray, kind: Answer, send: Send, classes: Array | None, *, batch: int | None, threads: int = 1
    ) -> Array:
        """The answers to the rows of ``X``, shape (n, d), from the ledger and, where it has none, from ``send``.

        Args:
            X: the rows.
            kind: of the answers.
            send: asks the target; it is called with up to ``batch`` rows at a time, at once in so many ``threads``.
            classes: of the target.
            batch: None for all rows at once.
            threads: at most.

        Raises:
            AnswerError: if the target answers something its interface does not allow.
            BudgetSpent: if rows would be sent past the limit.
        """
        X = X + 0.0  # no -0.0
        with self.ledger.turn():
            return self._ask(X, kind, send, classes, batch, threads)

    def _ask(
        self, X: FloatArray, kind: Answer, send: Send, classes: Array | None, batch: int | None, threads: int
    ) -> Array:
        questions = self._numbered(X, kind)
        try:
            found = self.ledger.recall(kind, questions)
            todo = np.array([i for i in range(len(X)) if i not in found], dtype=np.intp)
            if len(todo) and self._resumes:
                self._compare(kind, send, classes)

            fetch = partial(self._fetch, _Asked(X, questions, kind, send, classes))
            parts = [todo[i : i + (batch or len(X))] for i in range(0, len(todo), batch or len(X))]
            fetched = _all(fetch, parts, threads)
        except BaseException:
            self._asked.subtract((kind, key) for key, _ in questions)
            raise
        if not found:
            return fetched[0] if len(fetched) == 1 else np.concatenate(fetched)
        recorded = unpacked(list(found.values()), kind, classes)
        order = np.argsort(np.concatenate([list(found), todo]), kind="stable")
        return np.asarray(np.concatenate([recorded, *fetched])[order])

    def _fetch(self, asked: _Asked, places: Array) -> Array:
        """Send some of the rows, and keep their answers."""
        rows = asked.X[places]
        try:
            given, attempt = asked.send(rows, asked.kind, _Journal(self.ledger, self.purpose, asked.kind, self.limit))
        except BatchFailed:  # the answers to the rows beside the one that it is about are worth having
            if len(places) == 1:
                raise
            return np.concatenate([self._fetch(asked, half) for half in np.array_split(places, 2)])
        answers = self._checked(given, attempt, rows, asked.kind, asked.classes)
        self.ledger.answered(attempt, asked.kind, rows, [asked.questions[i] for i in places], answers)
        return answers

    def _numbered(self, X: FloatArray, kind: Answer) -> list[Question]:
        questions = []
        for key in keys_of(X):
            questions.append((key, self._asked[kind, key]))
            self._asked[kind, key] += 1
        return questions

    def _checked(self, given: Array, attempt: int, rows: FloatArray, kind: Answer, classes: Array | None) -> Array:
        try:
            return checked_answers(given, len(rows), kind, classes)
        except BaseException:
            self.ledger.end(attempt, "malformed")
            raise

    def _compare(self, kind: Answer, send: Send, classes: Array | None) -> None:
        """Ask a few recorded rows again, and note a difference."""
        rows = list(self.ledger.rows(kind, AGAIN))
        if not rows:
            return
        self._resumes = False
        X, values = rows_of([row.x for row in rows]), [row.y for row in rows]
        given, attempt = send(X, kind, _Journal(self.ledger, "check", kind, None))
        answers = self._checked(given, attempt, X, kind, classes)
        self.ledger.end(attempt, "answered")
        differ = int(np.count_nonzero(_differ(answers, unpacked(values, kind, classes))))
        if differ:
            self.notes.append(
                f"{differ} of {len(X)} recorded rows are answered otherwise now: the target was changed, or its "
                "answers are random"
            )


def _differ(ours: Array, theirs: Array) -> BoolArray:
    if ours.dtype.kind == "f":
        same = np.isclose(ours, theirs, rtol=TOLERANCE, atol=TOLERANCE)
        return np.asarray(~same.reshape(len(same), -1).all(axis=1))
    differ: BoolArray = np.asarray(ours != theirs)
    return np.asarray(differ.reshape(len(ours), -1).any(axis=1))


def _all(fetch: Callable[[Array], Array], parts: list[Array], threads: int) -> list[Array]:
    """What each part gave, fetched at once in so many threads; if one fails, those under way are waited for."""
    if threads == 1 or len(parts) < 2:
        return [fetch(part) for part in parts]
    with ThreadPoolExecutor(min(threads, len(parts))) as pool:
        waiting: list[Future[Array]] = [pool.submit(partial(fetch, part)) for part in parts]
        try:
            return [future.result() for future in waiting]
        except BaseException:
            _cancel(waiting)
            raise


def _cancel(waiting: Iterable[Future[Array]]) -> None:
    for future in waiting:
        future.cancel()
