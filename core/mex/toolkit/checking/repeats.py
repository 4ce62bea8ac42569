"""Rows asked a second time, where a target that is not random answers as it did, unless it was changed."""

from __future__ import annotations

import numpy as np

from mex.knowledge import Knowledge
from mex.target import refusals
from mex.types import Array, BoolArray, FloatArray

FIRST, AGAIN, PART = 32, 6, 2
"""The rows asked first, among which those asked again are; how many these are at most, and the part of a check."""
TOLERANCE = 1e-5
"""How far two answers of one model may differ that are numbers: the last digits depend on a batch and on float32."""


class Repeats:
    """Some of the rows that a target was asked first, to be asked once more at the end."""

    def __init__(self, known: Knowledge) -> None:
        self._known = known
        self._first: list[tuple[FloatArray, Array]] = []
        self._before: list[Array] = []

    def keep(self, X: FloatArray, answers: Array) -> None:
        """Take answers; the first ones are kept."""
        if (room := FIRST - len(self._first)) > 0:
            values = np.ma.getdata(answers)
            self._first += [(X[i], values[i : i + 1]) for i in np.flatnonzero(~refusals(answers))[:room]]

    def draw(self, room: int, rng: np.random.Generator) -> FloatArray:
        """Some rows, no more than a part of ``room``, shape (n, d); none of a target that may answer at random."""
        n = min(AGAIN, room // PART) if self._known.rho == 0 else 0
        chosen = [self._first[i] for i in rng.permutation(len(self._first))[:n]]
        self._before = [answer for _, answer in chosen]
        return np.array([row for row, _ in chosen]).reshape(-1, self._known.domain.n_features)

    def sentence(self, answers: Array) -> str:
        """What the answers to them say, the first of these rows; "" if they are as before."""
        answered = np.flatnonzero(~refusals(answers))
        if len(answered) == 0 or not self._before:
            return ""
        now, before = np.ma.getdata(answers)[answered], np.concatenate([self._before[i] for i in answered])
        differ = int(np.count_nonzero(_differ(before, now)))
        what = f"{differ} of {len(now)} rows are answered otherwise than at first"
        return f"{what}: the target was changed, or is random" if differ else ""


def _differ(before: Array, now: Array) -> BoolArray:
    if before.dtype.names:
        return np.asarray(np.any([_differ(before[name], now[name]) for name in before.dtype.names], axis=0))
    if before.dtype.kind != "f":
        return np.asarray(before != now)
    same = np.isclose(before, now, rtol=TOLERANCE, atol=TOLERANCE)
    return np.asarray(~same.reshape(len(same), -1).all(axis=1))
