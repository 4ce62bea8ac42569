"""Experiment 1 of the paper: a learner asks an oracle until it is done or the budget is."""

from __future__ import annotations

import time
from collections.abc import Callable

import attrs

from mex.learner import Learner
from mex.oracle import Oracle, Transcript
from mex.persistence import persist
from mex.types import Estimator

FIRST_SNAPSHOT, SNAPSHOTS_PER_DOUBLING = 8, 2


@attrs.frozen(eq=False)
class Extraction:
    """What an attack got, and what it paid.

    Attributes:
        hypothesis: f^, a fitted scikit-learn estimator.
        queries, unique_queries: rows asked, and how many of them differ.
        price_usd: what they cost.
        refused: queries that a defense refused to answer; they were paid for.
        stopped: ``done`` if the attack ended by itself, ``budget`` if the wall ended it, ``refused`` if a
            defense shut the client out.
        note: the learner's sentence for the record, or "".
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
    oracle: Oracle, learner: Learner, *, snapshots: bool = True, on_progress: Callable[[int], None] | None = None
) -> Extraction:
    """Let ``learner`` ask ``oracle`` until it is done or the budget is spent.

    Args:
        oracle: the door to the target, with its budget.
        learner: an attack under way.
        snapshots: keep the hypotheses on the way, for a learning curve.
        on_progress: called with the number of queries so far after each answer.

    A refused row is asked again until it is answered, or the client seems shut out: a learner with
    ``takes_refusals = True`` is told the masked answers instead.

    Raises:
        QueryError: if the learner asks what the interface refuses.
    """
    kept: list[tuple[int, Estimator]] = []
    next_snapshot = 0
    stopped, spent = "done", 0.0
    clock = time.perf_counter
    while True:
        started = clock()
        X = learner.ask()
        spent += clock() - started
        if X is None:
            break
        answers, wall = persist(oracle, X, getattr(learner, "takes_refusals", False))
        if len(answers):
            started = clock()
            learner.tell(X[: len(answers)], answers)
            spent += clock() - started
        if on_progress:
            on_progress(oracle.queries)
        if wall:
            stopped = wall
            break
        if snapshots and oracle.queries >= _snapshot_at(next_snapshot):
            kept.append((oracle.queries, learner.hypothesis()))
            while _snapshot_at(next_snapshot) <= oracle.queries:
                next_snapshot += 1
    started = clock()
    hypothesis = learner.hypothesis()
    spent += clock() - started
    if kept and kept[-1][0] == oracle.queries:
        kept.pop()  # the last snapshot is the hypothesis itself
    kept.append((oracle.queries, hypothesis))
    return Extraction(
        hypothesis=hypothesis,
        queries=oracle.queries,
        unique_queries=oracle.unique_queries,
        price_usd=oracle.price_usd,
        refused=oracle.refused,
        stopped=stopped,
        note=getattr(learner, "note", ""),
        snapshots=tuple(kept),
        transcript=oracle.transcript,
        learner_seconds=spent,
        oracle_seconds=oracle.seconds,
    )


def _snapshot_at(k: int) -> float:
    return float(FIRST_SNAPSHOT * 2 ** (k / SNAPSHOTS_PER_DOUBLING))
