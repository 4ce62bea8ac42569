"""What a client does about refused queries: it asks again, until it is shut out."""

from __future__ import annotations

from typing import Literal

import numpy as np

from mex.answers import refusals
from mex.oracle import Oracle
from mex.types import Array, FloatArray

PATIENCE = 50
"""Refusals in a row, on one row of one client, after which it takes itself to be shut out."""

Wall = Literal["", "budget", "refused"]


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
            answers = np.ma.masked_array(np.zeros((len(answers), *again.shape[1:]), again.dtype), mask=True)
        answers[i] = again[0]
    return _plain(answers), wall


def _plain(answers: Array) -> Array:
    return np.ma.getdata(answers)
