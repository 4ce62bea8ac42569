"""Experiment 1 of the paper: a learner asks an oracle until it is done or the budget is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Literal

import attrs
import numpy as np

from mex.learner import Learner
from mex.oracle import Oracle, Transcript
from mex.target import refusals, withheld
from mex.types import Array, Estimator, FloatArray

__all__ = [
    "FIRST_SNAPSHOT",
    "PATIENCE",
    "SNAPSHOTS_PER_DOUBLING",
    "Extraction",
    "Wall",
    "extract",
    "persist",
]

FIRST_SNAPSHOT, SNAPSHOTS_PER_DOUBLING = 8, 2

PATIENCE = 50
"""Refusals in a row, on one row of one client, after which the client takes itself to be shut out."""

Wall = Literal["", "budget", "refused"]


@attrs.frozen(eq=False)
class Extraction:
    """What an attack got, and what it paid.

    Attributes:
        hypothesis: f^, a fitted scikit-learn estimator.
        queries, unique_queries: rows asked, and how many of them differ.
        price_usd: what they cost.
        refused: queries that a defense refused to answer; they were paid for.
        stopped: ``done`` if the attack ended by itself, ``budget`` if the wall ended it, ``refused`` if a
            defense shut the client out, ``interrupted`` if Ctrl-C ended it.
        note: the learner's sentence for the record, and one on labels that no answer had; or "".
        snapshots: (queries, hypothesis) at geometrically spaced counts, the last one included.
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
    snapshots: tuple[tuple[int, Estimator], ...] = attrs.field(repr=False)
    transcript: Transcript = attrs.field(repr=False)
    learner_seconds: float = attrs.field(repr=False)
    oracle_seconds: float = attrs.field(repr=False)


def extract(
    oracle: Oracle,
    learner: Learner,
    *,
    snapshots: bool = True,
    interruptible: bool = False,
    on_progress: Callable[[int], None] | None = None,
) -> Extraction:
    """Let ``learner`` ask ``oracle`` until it is done or the budget is spent.

    Args:
        oracle: the door to the target, with its budget.
        learner: an attack under way.
        snapshots: keep the hypotheses on the way, for a learning curve.
        interruptible: let a KeyboardInterrupt end the attack, and give what was paid for until then.
        on_progress: called with the number of queries so far after each answer.

    A refused row is asked again until it is answered, or the client seems shut out: a learner with
    ``takes_refusals = True`` is told the masked answers instead.

    Raises:
        QueryError: if the learner asks what the interface refuses.
    """
    run = _Run(oracle, learner, snapshots, on_progress)
    try:
        stopped = run.to_the_end()
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
        note="; ".join(filter(None, (getattr(learner, "note", ""), oracle.unseen))),
        snapshots=tuple(run.kept),
        transcript=oracle.transcript,
        learner_seconds=run.seconds,
        oracle_seconds=oracle.seconds,
    )


class _Run:
    """A learner and an oracle under way; the hypotheses kept so far, and the seconds that the learner took."""

    def __init__(
        self, oracle: Oracle, learner: Learner, snapshots: bool, on_progress: Callable[[int], None] | None
    ) -> None:
        self.oracle, self.learner, self.snapshots, self.on_progress = oracle, learner, snapshots, on_progress
        self.kept: list[tuple[int, Estimator]] = []
        self.seconds = 0.0

    def to_the_end(self) -> str:
        """Ask and tell; return what ended it."""
        next_snapshot = 0
        while True:
            X = self._timed(self.learner.ask)
            if X is None:
                return "done"
            answers, wall = persist(self.oracle, X, getattr(self.learner, "takes_refusals", False))
            if len(answers):
                self._timed(self.learner.tell, X[: len(answers)], answers)
            if self.on_progress:
                self.on_progress(self.oracle.queries)
            if wall:
                return wall
            if self.snapshots and self.oracle.queries >= _snapshot_at(next_snapshot):
                self.kept.append((self.oracle.queries, self.learner.hypothesis()))
                while _snapshot_at(next_snapshot) <= self.oracle.queries:
                    next_snapshot += 1

    def last(self, stopped: str) -> Estimator:
        """The learner's last hypothesis, which is the last snapshot as well."""
        try:
            hypothesis: Estimator = self._timed(self.learner.hypothesis)
        except Exception:
            if stopped != "interrupted" or not self.kept:
                raise
            hypothesis = self.kept[-1][1]  # the learner was interrupted in the middle of a thought
        if self.kept and self.kept[-1][0] == self.oracle.queries:
            self.kept.pop()
        self.kept.append((self.oracle.queries, hypothesis))
        return hypothesis

    def _timed(self, call: Callable[..., Any], *args: Any) -> Any:
        started = time.perf_counter()
        got = call(*args)
        self.seconds += time.perf_counter() - started
        return got


def _snapshot_at(k: int) -> float:
    return float(FIRST_SNAPSHOT * 2 ** (k / SNAPSHOTS_PER_DOUBLING))


def persist(oracle: Oracle, X: FloatArray, takes_refusals: bool = False) -> tuple[Array, Wall]:
    """Ask for the rows of ``X``; return their answers up to the wall, and which wall it was.

    Every question is charged, the repeated ones too. Where some rows stay refused, the answers are those to
    the rows before the first of them: a learner is told what it would be told at the end of a budget.

    Args:
        oracle: the door to the target.
        X: rows to ask, shape (n, d).
        takes_refusals: give the masked answers as they are, unless there is nothing else any more.
    """
    answers = oracle.ask(X)
    wall: Wall = "budget" if len(answers) < len(X) else ""
    refused = np.flatnonzero(refusals(answers)) if isinstance(answers, np.ma.MaskedArray) else ()
    if takes_refusals:
        return answers, wall or ("refused" if oracle.refused_in_a_row >= PATIENCE else "")
    for i in refused:
        for _ in range(PATIENCE):
            again = oracle.ask(X[i : i + 1])
            if len(again) == 0 or not refusals(again).any():
                break
        else:
            return _plain(answers[:i]), "refused"
        if len(again) == 0:
            return _plain(answers[:i]), "budget"
        if answers.dtype != again.dtype or answers.shape[1:] != again.shape[1:]:  # nothing was answered before
            answers = withheld(len(answers), again)
        answers[i] = again[0]
    return _plain(answers), wall


def _plain(answers: Array) -> Array:
    return np.ma.getdata(answers)
