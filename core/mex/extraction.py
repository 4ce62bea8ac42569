"""Experiment 1 of the paper: a learner asks an oracle until it is done or the budget is."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from typing import Any

import attrs
import numpy as np

from mex.errors import BudgetSpent, Incompatible, QueryError, sentence, writes_nothing
from mex.learner import Learner, closed_after
from mex.oracle import Oracle, Transcript
from mex.target import refusals, withheld
from mex.types import Array, Estimator, FloatArray

__all__ = [
    "FIRST_SNAPSHOT",
    "PATIENCE",
    "SNAPSHOTS_PER_DOUBLING",
    "Extraction",
    "extract",
    "persist",
]

FIRST_SNAPSHOT, SNAPSHOTS_PER_DOUBLING = 8, 2
PATIENCE = 50
"""Refusals in a row, on one row of one client, after which the client takes itself to be shut out."""


@attrs.frozen(eq=False)
class Extraction:
    """What an attack got, and what it paid.

    Attributes:
        hypothesis: f^, a fitted scikit-learn estimator.
        queries, unique_queries, price_usd: rows asked, how many of them differ, and what they cost.
        refused: queries that a defense refused to answer; they were paid for.
        stopped: ``budget`` if nothing remained of it, ``done`` if the attack ended before, ``refused`` if a defense
            shut the client out, ``interrupted`` by Ctrl-C, ``failed`` if the target did, or what ``on_progress`` said.
        note: how the target failed, the learner's sentence for the record, one on labels that no answer had; or "".
        snapshots: (queries, what was kept of the hypothesis) at geometrically spaced counts, the last one included.
        transcript: rows and answers.
        learner_seconds, oracle_seconds: wall time of the two; snapshots are in neither.
    """

    hypothesis: Estimator
    queries: int
    unique_queries: int
    price_usd: float
    refused: int
    stopped: str
    note: str
    snapshots: tuple[tuple[int, Any], ...] = attrs.field(repr=False)
    transcript: Transcript = attrs.field(repr=False)
    learner_seconds: float = attrs.field(repr=False)
    oracle_seconds: float = attrs.field(repr=False)


def extract(
    oracle: Oracle,
    learner: Learner,
    *,
    snapshots: bool = True,
    keep: Callable[[Estimator], Any] = copy.deepcopy,
    interruptible: bool = False,
    on_progress: Callable[[int], str | None] | None = None,
) -> Extraction:
    """Let ``learner`` ask ``oracle`` until it is done or the budget is spent.

    When nothing remains of the budget the run has ended: the learner is not asked again, may plan with the budget that
    it knows, and need not ask past it. A refused row is asked again until it is answered, or the client seems shut out;
    with ``takes_refusals = True`` the learner is told masked answers instead. A target that fails ends the run, which
    gives what was paid for until then; what it raises before its first answer is raised.

    Args:
        oracle: the door to the target, with its budget.
        learner: an attack under way.
        snapshots: look at the hypotheses on the way, for a learning curve.
        keep: what to keep of each, made at once, as a learner may go on changing what it returned; by default a copy.
        interruptible: let a KeyboardInterrupt end the attack, and give what was paid for until then.
        on_progress: called with the number of queries so far after each answer; a word that it returns ends the run.

    Raises:
        QueryError, Incompatible, MexError: if it asks what is refused or a record lacks, or changes what it was lent.
    """
    run = _Run(oracle, learner, keep, on_progress)
    with writes_nothing("the attack"), closed_after(learner):
        try:
            stopped = run.to_the_end(0 if snapshots else math.inf)
        except KeyboardInterrupt:
            if not interruptible:
                raise
            stopped = "interrupted"
        hypothesis = run.last(stopped)
    return Extraction(
        hypothesis=hypothesis,
        queries=oracle.queries,
        unique_queries=oracle.unique_queries,
        price_usd=oracle.price_usd,
        refused=oracle.refused,
        stopped=stopped,
        note="; ".join(filter(None, (run.failure, getattr(learner, "note", ""), oracle.unseen))),
        snapshots=tuple(run.kept),
        transcript=oracle.transcript,
        learner_seconds=run.seconds,
        oracle_seconds=oracle.seconds,
    )


@attrs.define(eq=False)
class _Run:
    """A learner and an oracle under way: what was kept of hypotheses, how the target failed, the learner's seconds."""

    oracle: Oracle
    learner: Learner
    keep: Callable[[Estimator], Any]
    on_progress: Callable[[int], str | None] | None
    kept: list[tuple[int, Any]] = attrs.field(factory=list)
    latest: Estimator | None = None
    failure: str = ""
    seconds: float = 0.0

    def to_the_end(self, next_snapshot: float) -> str:
        """Ask and tell; return what ended it. The first snapshot is that of this number (:func:`_snapshot_at`)."""
        while self.oracle.remaining != 0:
            X = self._timed(self.learner.ask)
            if X is None:
                return "done"
            if self.oracle.queries >= _snapshot_at(next_snapshot):
                self._look(self.learner.hypothesis())
            while self.oracle.queries >= _snapshot_at(next_snapshot):
                next_snapshot += 1
            try:
                answers, shut_out = persist(self.oracle, X, getattr(self.learner, "takes_refusals", False))
            except BudgetSpent:
                return "budget"
            except Exception as error:
                if isinstance(error, QueryError | Incompatible) or not len(self.oracle.transcript):
                    raise
                self.failure = f"the target failed after {len(self.oracle.transcript)} answers ({sentence(error)})"
                return "failed"
            if len(answers):
                self._timed(self.learner.tell, X[: len(answers)], answers)
            if self.on_progress and isinstance(word := self.on_progress(self.oracle.queries), str):
                return word
            if shut_out:
                return "refused"
        return "budget"

    def last(self, stopped: str) -> Estimator:
        """The learner's last hypothesis, which is the last snapshot as well."""
        try:
            hypothesis = self._timed(self.learner.hypothesis)
        except Exception:  # of a learner that was interrupted in the middle of a thought
            if stopped not in ("interrupted", "failed") or (hypothesis := self.latest) is None:
                raise
        if self.kept and self.kept[-1][0] == self.oracle.queries:  # interrupted before the next query
            self.kept.pop()
        self._look(hypothesis)
        return hypothesis

    def _look(self, hypothesis: Estimator) -> None:
        self.latest = hypothesis
        self.kept.append((self.oracle.queries, self.keep(hypothesis)))

    def _timed(self, call: Callable[..., Any], *args: Any) -> Any:
        started = time.perf_counter()
        got = call(*args)
        self.seconds += time.perf_counter() - started
        return got


def _snapshot_at(k: float) -> float:
    return float(FIRST_SNAPSHOT * 2 ** (k / SNAPSHOTS_PER_DOUBLING))


def persist(oracle: Oracle, X: FloatArray, takes_refusals: bool = False) -> tuple[Array, bool]:
    """Ask for the rows of ``X``; return their answers as far as they go, and whether the client is shut out.

    Every question is charged, the repeated ones too. Where some rows stay refused, the answers are those to the rows
    before the first of them, as at the end of a budget. One that ``takes_refusals`` is given masked answers.
    """
    answers = oracle.ask(X)
    if takes_refusals:
        return answers, oracle.refused_in_a_row >= PATIENCE
    for i in np.flatnonzero(refusals(answers)) if isinstance(answers, np.ma.MaskedArray) else ():
        for _ in range(PATIENCE):
            again = oracle.ask(X[i : i + 1])
            if not refusals(again).any():
                break
        if len(again) == 0 or refusals(again).any():
            return np.ma.getdata(answers[:i]), len(again) > 0
        if answers.dtype != again.dtype or answers.shape[1:] != again.shape[1:]:  # nothing was answered before
            answers = withheld(len(answers), again)
        answers[i] = again[0]
    return np.ma.getdata(answers), False
