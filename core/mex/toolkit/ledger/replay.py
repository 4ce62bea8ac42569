"""Targets that give the answers of a record, and none to what it does not hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np

from mex.errors import Incompatible
from mex.fitted import FittedTarget
from mex.toolkit.ledger.values import keys_of
from mex.types import Answer, Array, BoolArray, FloatArray


@attrs.frozen(eq=False)
class ReplayTarget(FittedTarget):
    """A target that answers from a record: the second answer to a row is the second one recorded.

    A row that is asked more often than it was recorded is answered from the first again if all its answers are the
    same; if they differ, the record does not tell what the next one would have been. A copy is another client, who has
    asked nothing.

    Attributes:
        recorded: for each kind, by the keys of rows (:func:`mex.toolkit.ledger.values.keys_of`), the answers in order.
    """

    recorded: Mapping[Answer, Mapping[bytes, Array]] = attrs.field(kw_only=True, repr=False)
    _times: Counter[tuple[Answer, bytes]] = attrs.field(factory=Counter, init=False, repr=False)

    def __deepcopy__(self, memo: dict[int, Any]) -> ReplayTarget:
        """A client who has asked nothing."""
        return attrs.evolve(self)

    def holds(self, X: FloatArray) -> BoolArray:
        """Which rows the record has an answer of each kind to, shape (n,)."""
        keys = keys_of(X)
        return np.array([all(key in self.recorded[kind] for kind in self.answers) for key in keys], dtype=bool)

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        """Answer as :meth:`mex.Target.answer` says.

        Raises:
            Incompatible: if a row was never asked, or not so often.
        """
        known = self.recorded[kind]
        keys = keys_of(X)
        strange = [i for i, key in enumerate(keys) if key not in known]
        if strange:
            raise Incompatible(
                f"row {strange[0] + 1} of {len(keys)} was never asked: a record answers the rows that it holds, so "
                "attacks that choose among rows of a pool work on it (many have sampler='pool'), and those that make "
                "rows up do not"
            )
        return np.stack([self._next(kind, key, known[key]) for key in keys])

    def _next(self, kind: Answer, key: bytes, answers: Array) -> Any:
        before = self._times[kind, key]
        self._times[kind, key] += 1
        if before >= len(answers) and (answers != answers[:1]).any():
            raise Incompatible(
                f"a row was asked {before + 1} times, and the record has {len(answers)} answers to it that differ: it "
                "does not tell the next one"
            )
        return answers[before % len(answers)]
