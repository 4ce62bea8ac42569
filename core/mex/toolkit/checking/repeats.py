"""Rows asked a second time, where a target that is not random answers as it did, unless it was changed."""

from __future__ import annotations

import numpy as np

from mex.knowledge import Knowledge
from mex.target import refusals
from mex.toolkit.checking.readings import Told, reading, resolution
from mex.types import Array, FloatArray

FIRST, AGAIN, PART = 32, 6, 3
"""The rows asked first, among which those asked again are; how many these are at most, and the part of a check."""


class Repeats:
    """Some of the rows that a target was asked first, to be asked once more at the end."""

    def __init__(self, known: Knowledge) -> None:
        self._known = known
        self._told: Array = np.empty(0)

    def draw(self, transcript: Told, room: int, rng: np.random.Generator) -> FloatArray:
        """Some rows, no more than a part of ``room``, shape (n, d); none of a target that may answer at random."""
        first = transcript.X[:FIRST]
        n = min(AGAIN, room // PART, len(first)) if self._known.rho == 0 else 0
        chosen = rng.permutation(len(first))[:n]
        self._told = transcript.told[chosen]
        return first[chosen]

    def sentence(self, answers: Array) -> str:
        """What the answers to them say, the first of these rows; "" if they are as before."""
        answered = ~refusals(answers)
        before, now = self._told[: len(answers)][answered], reading(np.ma.getdata(answers)[answered], self._known)
        if before.dtype.kind == "f":
            differ = int(np.count_nonzero(np.abs(now - before) > 2 * resolution(np.concatenate([before, now]))))
        else:
            differ = int(np.count_nonzero(now != before))
        if not differ:
            return ""
        return f"{differ} of {len(now)} rows are answered otherwise than at first: the target was changed, or is random"
