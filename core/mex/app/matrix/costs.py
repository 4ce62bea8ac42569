"""What a defense costs honest users: measured on held-out rows, on copies that leave the attacker's answers alone."""

from __future__ import annotations

import time
from collections.abc import Mapping

import numpy as np

from mex.answers import answer_kind
from mex.app.matrix.evaluation import Yardstick
from mex.defense import twin
from mex.extraction import Extraction
from mex.oracle import Oracle
from mex.target import Target
from mex.types import Answer, Array, FloatArray

ROWS = 2000
"""How many held-out rows are asked: a standard error of at most 1.1 points."""
SESSION, SESSIONS = 500, 20
"""An honest client asks so many rows (or all held-out rows, if they are fewer); so many clients at most."""


def costs(defended: Target, yardstick: Yardstick, kind: Answer) -> dict[str, float]:
    """What the answers of one kind cost honest users, who ask the held-out rows.

    Returns:
        ``answers_changed``: share of answers that are not f*'s; ``answer_shift``: how far they are from it, for
        labels the same share, for probabilities the mean total variation, for values the mean absolute
        difference in standard deviations of f*'s values, for kinds of plugins what they say; ``repeats_differ``: share
        of rows answered otherwise when asked again; ``honest_refused``: share of rows refused; ``false_alarms``: share
        of honest clients over whom the alarm is raised; ``latency_added``: seconds a row, in one batch.
    """
    X = yardstick.points["agreement"][: min(ROWS, len(yardstick.points.get("near_agreement", range(ROWS))))]
    honest = twin(defended)
    clock = time.perf_counter
    started = clock()
    bare = twin(yardstick.target).answer(X, kind)
    between = clock()
    first = honest.answer(X, kind)
    ended = clock()
    again = honest.answer(X, kind)
    refused, alarms = _sessions(defended, X)
    return {
        "answers_changed": _differing(first, bare),
        "answer_shift": _shift(first, bare, kind),
        "repeats_differ": _differing(first, again),
        "honest_refused": refused,
        "false_alarms": alarms,
        "latency_added": ((ended - between) - (between - started)) / len(X),
    }


def unchanged(costs: Mapping[str, float | None]) -> bool:
    """Whether a defense of these costs did nothing to honest users that they could see."""
    return not any(costs[what] for what in ("answers_changed", "repeats_differ", "honest_refused", "false_alarms"))


def _differing(a: Array, b: Array) -> float:
    differ = a != b if a.dtype.kind != "f" else ~np.isclose(a, b, rtol=1e-9, atol=1e-12)
    return float(np.mean(differ.reshape(len(a), -1).any(axis=1)))


def _shift(answers: Array, bare: Array, kind: Answer) -> float:
    return (answer_kind(kind).shift or _differing)(answers, bare)


def _sessions(defended: Target, X: FloatArray) -> tuple[float, float]:
    """The share of rows refused and of clients alarmed, each client new to the defense."""
    count = min(max(1, len(X) // SESSION), SESSIONS)
    refused, alarms = [], []
    for rows in np.array_split(X[: count * SESSION], count):
        client = twin(defended)
        refused.append(1 - np.mean(client.admit(rows)))
        alarms.append(client.alarm is not None)
    return float(np.mean(refused)), float(np.mean(alarms))


def did_nothing(defense: str, bare: Oracle, extraction: Extraction) -> str:
    """A sentence if an attack was answered as by ``bare``, the model without the defense; nothing otherwise."""
    transcript = extraction.transcript
    X, answers = transcript.X[:ROWS], transcript.answers[:ROWS]
    if extraction.refused or extraction.stopped == "failed" or not np.array_equal(bare.ask(X), answers):
        return ""
    return f"{defense} changed no answer, neither of honest users nor of this attack"
