"""Targets whose answers are kept in a ledger, and transcripts that are kept there as well."""

from __future__ import annotations

from collections import Counter
from typing import Any, Protocol, runtime_checkable

import attrs

from mex.answers import AnswerKind
from mex.fitted import FittedTarget
from mex.oracle import Transcript
from mex.toolkit.ledger.asking import Session
from mex.toolkit.ledger.journal import Journal
from mex.toolkit.ledger.store import Ledger
from mex.toolkit.ledger.values import keys_of
from mex.types import Answer, Array, FloatArray


@runtime_checkable
class Remote(Protocol):
    """An estimator that asks elsewhere, where each row may cost money.

    It may have two members more: ``share_rate(path)``, which is called before it is asked if several processes ask it,
    which then keep to one rate by that path; and ``findings``, what it was told beside answers, for the record: a list
    of mappings of ``kind``, ``sentence`` and ``evidence``.

    Attributes:
        batch: rows of a request at most.
        threads: requests at once.
        preflight: rows sent outside of any ledger, to find out what it answers.
    """

    @property
    def batch(self) -> int: ...
    @property
    def threads(self) -> int: ...
    @property
    def preflight(self) -> int: ...

    def exchange(self, table: Any, kind: Answer, journal: Journal) -> tuple[Array, int]:
        """Ask the rows of a table in one request; return the answers and the attempt that brought them.

        Every attempt is begun in the ``journal`` before it is sent. One that brings no answers is ended there.

        Raises:
            MexError: if no attempt brings answers.
        """
        ...


@attrs.frozen(eq=False)
class RecordedTarget(FittedTarget):
    """A target that answers from a ledger what was answered before, and keeps what is answered now.

    A copy of it is another client, who has asked nothing.

    >>> import copy
    >>> from mex.testing.examples import example_dataset, example_target
    >>> target = recorded(example_target(), Session(Ledger(), "attack"))
    >>> X = example_dataset().X[:3]
    >>> (target.answer(X, "label") == copy.deepcopy(target).answer(X, "label")).all()
    np.True_
    >>> target.session.ledger.sent("attack")
    3
    """

    session: Session = attrs.field(kw_only=True)

    def __deepcopy__(self, memo: dict[int, Any]) -> RecordedTarget:
        """A client who has asked nothing."""
        return attrs.evolve(self, session=self.session.afresh())

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        """Answer as :meth:`Target.answer` says."""
        remote = isinstance(self.estimator, Remote)
        return self.session.ask(
            X,
            kind,
            self._exchange if remote else self._send,
            self.classes,
            batch=self.estimator.batch if remote else None,
            threads=self.estimator.threads if remote else 1,
        )

    def _exchange(self, X: FloatArray, kind: Answer, journal: Journal) -> tuple[Array, int]:
        table = X if self.schema is None else self.schema.decode(X)
        answers, attempt = self.estimator.exchange(table, kind, journal)
        return answers, attempt

    def _send(self, X: FloatArray, kind: Answer, journal: Journal) -> tuple[Array, int]:
        asked = _Journaled(**_fields(self), journal=journal)
        answers = asked.answer(X, kind)
        return answers, asked.attempts[-1]


@attrs.frozen(eq=False)
class _Journaled(FittedTarget):
    """A target each of whose attempts to answer is one in a journal."""

    journal: Journal = attrs.field(kw_only=True)
    attempts: list[int] = attrs.field(factory=list, init=False)

    def _attempt(self, rows: Any, kind: AnswerKind) -> Array:
        self.attempts.append(self.journal.begin(len(rows)))
        try:
            return super()._attempt(rows, kind)
        except BaseException:
            self.journal.end(self.attempts[-1], "failed")
            raise


def _fields(target: FittedTarget) -> dict[str, Any]:
    return {str(f.alias): getattr(target, f.name) for f in attrs.fields(FittedTarget) if f.init}


def recorded(target: FittedTarget, session: Session) -> RecordedTarget:
    """The same target, asked through a ledger."""
    return RecordedTarget(**_fields(target), session=session)


@attrs.define(eq=False)
class LedgerTranscript(Transcript):
    """A transcript that is kept in a ledger as well, from its beginning.

    Attributes:
        ledger: one that holds no answers yet.
        kind: of the answers, the first where several are shown beside each other.
    """

    ledger: Ledger = attrs.field(kw_only=True)
    kind: Answer = attrs.field(kw_only=True)
    _asked: Counter[bytes] = attrs.field(factory=Counter, init=False, repr=False)

    def append(self, X: FloatArray, answers: Array) -> None:
        """Add a batch."""
        Transcript.append(self, X, answers)
        attempt = self.ledger.begin("attack", self.kind, len(X))
        questions = []
        for key in keys_of(X):
            questions.append((key, self._asked[key]))
            self._asked[key] += 1
        for kind in answers.dtype.names or (self.kind,):
            part = answers[kind] if answers.dtype.names else answers
            self.ledger.answered(attempt, kind, X, questions, part)
