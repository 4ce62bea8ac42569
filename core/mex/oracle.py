"""The oracle: the only door between an attacker and a target."""

from __future__ import annotations

import copy
import time

import attrs
import numpy as np
import numpy.typing as npt

from mex.answers import checked_answers, shown_kinds, side_by_side
from mex.errors import AnswerError, QueryError, UsageError, writes_nothing
from mex.knowledge import Knowledge, Scope
from mex.target import Target, knowledge, labels, refusals, spread, withheld
from mex.types import Answer, Array, FloatArray, dense, read_only

__all__ = [
    "PRICE_PER_QUERY",
    "Oracle",
    "Transcript",
]

PRICE_PER_QUERY = 0.0001
"""Amazon's online price in US dollars, the one the paper uses (Table 1, Section 6)."""


@attrs.define(eq=False)
class Transcript:
    """What was asked and answered, in order."""

    _rows: list[FloatArray] = attrs.field(factory=list, repr=False)
    _answers: list[Array] = attrs.field(factory=list, repr=False)

    def append(self, X: FloatArray, answers: Array) -> None:
        """Add a batch."""
        self._rows.append(X)
        self._answers.append(answers)

    def __len__(self) -> int:
        return sum(len(X) for X in self._rows)

    @property
    def X(self) -> FloatArray:
        """All rows asked, shape (queries, d)."""
        return np.concatenate(self._rows) if self._rows else np.empty((0, 0))

    @property
    def answers(self) -> Array:
        """All answers, in the order of :attr:`X`; masked where they were refused."""
        if not self._answers:
            return np.empty(0)
        if not any(isinstance(answers, np.ma.MaskedArray) for answers in self._answers):
            return np.concatenate(self._answers)
        given = next((part for part in self._answers if not refusals(part).all()), self._answers[0])
        parts = [withheld(len(part), given) if refusals(part).all() else part for part in self._answers]
        return np.asanyarray(np.ma.concatenate(parts))  # type: ignore[no-untyped-call]


class Oracle:
    """Counts rows, charges for them, enforces the budget, and checks what goes in and comes out.

    Rows count when they are sent, before the target answers. A batch with a row that the interface does not accept is
    an error and charged nothing. A batch that goes past the budget is cut to what is left, and the answers are for the
    rows before the cut. A row that a defense refuses is charged; its answer is masked.

    Attributes:
        queries: rows charged so far.
        refused: those of them that a defense refused to answer.
        refused_in_a_row: how many of the last ones, without one answer after them.
        seconds: wall time spent in the target.
        transcript: rows and answers so far.

    >>> from mex.testing.examples import example_dataset, example_target
    >>> oracle = Oracle(example_target(), budget=3)
    >>> oracle.ask(example_dataset().X[:5]), oracle.queries, oracle.remaining
    (array([0, 0, 1]), 3, 0)
    """

    def __init__(
        self,
        target: Target,
        *,
        answers: Answer | None = None,
        budget: int | None = None,
        price_per_query: float = PRICE_PER_QUERY,
        scope: Scope | None = None,
    ) -> None:
        """Open ``target`` to an attacker who gets ``answers`` (its usual kind by default).

        One whose ``scope`` does not take these is told the label or value beside them (:meth:`Scope.told`).

        Raises:
            Incompatible: if the interface does not give such answers.
            UsageError: if the budget is below 1 or the price below 0.
        """
        if budget is not None and (isinstance(budget, bool) or not isinstance(budget, int | np.integer) or budget < 1):
            raise UsageError(f"budget must be a whole number of at least 1, not {budget!r}")
        if not isinstance(price_per_query, int | float | np.number) or not 0 <= price_per_query < float("inf"):
            raise UsageError(f"price per query must be a number of at least 0, not {price_per_query!r}")
        self._target = target
        self.budget = budget if budget is None else int(budget)
        shown = knowledge(target, answers=answers, budget=self.budget)
        told = scope.told(shown.answers, target.answers) if scope else shown.answers
        self._public, self._kinds = attrs.evolve(shown, answers=told), shown_kinds(told, target.answers)
        self.price_per_query = float(price_per_query)
        self.queries = 0
        self.refused = 0
        self.refused_in_a_row = 0
        self.seconds = 0.0
        self.transcript = Transcript()

    def knowledge(self, pool: FloatArray | None = None) -> Knowledge:
        """What the attacker knows, with the unlabeled ``pool`` if the scenario grants one."""
        return attrs.evolve(self._public, family=copy.deepcopy(self._public.family), pool=pool)

    @property
    def remaining(self) -> int | None:
        """Rows left in the budget, None without one."""
        return None if self.budget is None else self.budget - self.queries

    @property
    def price_usd(self) -> float:
        """What the queries so far cost, in US dollars."""
        return round(self.queries * self.price_per_query, 10)

    @property
    def unique_queries(self) -> int:
        """How many different rows were asked."""
        return len({row.tobytes() for row in self.transcript.X + 0.0})  # + 0.0: -0.0 and 0.0 are one row

    @property
    def unseen(self) -> str:
        """A sentence if no answer so far was some label, or if all were one value or leaf; nothing otherwise."""
        answers, classes = self.transcript.answers, self._public.classes
        answers = np.ma.getdata(answers)[~refusals(answers)]
        if answers.dtype.names:
            answers = answers[answers.dtype.names[-1]]  # what is shown beside a leaf, if anything
        if len(answers) == 0:
            return ""
        if self._kinds[-1] != "label" or classes is None:
            same = len(answers) > 1 and not np.ptp(answers, axis=0).any()
            return f"all {len(answers)} answers were the same" if same else ""
        missing = [repr(label) for label in classes[~np.isin(classes, answers)].tolist()]
        if 0 < len(missing) == len(classes) - 1:
            return f"all {len(answers)} answers were {answers[:1].tolist()[0]!r}: no other label was seen"
        more = f" and {len(missing) - 5} others" if len(missing) > 5 else ""
        return f"no answer was {', '.join(missing[:5])}{more}" if missing else ""

    def ask(self, X: npt.ArrayLike) -> Array:
        """Answer the rows of ``X``, shape (n, d), as far as the budget goes.

        Raises:
            QueryError: if the interface would refuse a row; nothing is charged.
            AnswerError: if the target answers something its interface does not allow.

        Returns:
            The answers, one per row; a masked array (``numpy.ma``) if a defense refused some of the rows. Leaf answers
            have a field ``leaf``, and a field ``label`` or ``value`` if the interface gives such answers too.
        """
        rows = self._checked(X)[: self.remaining]
        if not len(rows):
            return np.empty(0)
        self.queries += len(rows)
        started = time.perf_counter()
        with writes_nothing("the target"):
            admitted = np.array(self._target.admit(rows))
            if admitted.shape != (len(rows),) or admitted.dtype != np.bool_:
                raise AnswerError(f"the target admitted {len(rows)} rows with an array of shape {admitted.shape}")
            n = int(np.count_nonzero(admitted))
            asked = rows if n == len(rows) else read_only(rows[admitted])
            given = {kind: self._told(asked, kind) for kind in self._kinds if n}
        self.seconds += time.perf_counter() - started
        checked = {kind: checked_answers(part, n, kind, self._public.classes) for kind, part in given.items()}
        answers = side_by_side(checked) if n else np.empty(0)
        self.refused += len(rows) - n
        answers = spread(answers, admitted) if n < len(rows) else answers
        self.refused_in_a_row = int(np.argmax(admitted[::-1])) if n else self.refused_in_a_row + len(rows)
        self.transcript.append(rows, answers)
        return answers.copy()  # what the attacker does to it is not in the transcript

    def _told(self, X: FloatArray, kind: Answer) -> Array:
        return self._target.answer(X, kind) if kind in self._target.answers else labels(self._target, X)

    def _checked(self, X: npt.ArrayLike) -> FloatArray:
        d = self._public.domain.n_features
        try:
            raw = dense(X)
            if raw.dtype.kind not in "fiub":  # a string is no number, even where it reads like one
                raise ValueError
            rows = read_only(np.array(raw, dtype=np.float64, order="C"))
        except (TypeError, ValueError):
            raise QueryError("a query must be an array of numbers") from None
        if rows.ndim != 2 or rows.shape[1] != d:
            raise QueryError(f"a query must be rows of {d} features, shape (n, {d}), not {rows.shape}")
        if len(rows) == 0:
            raise QueryError("a query must have at least one row")
        if objection := self._public.domain.objection(rows):
            raise QueryError(objection)
        return rows
