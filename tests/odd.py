"""Attacks that go wrong, for tests of what a matrix makes of them."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

import mex
from mex.types import Array, Estimator, FloatArray


@attrs.frozen(kw_only=True)
class Odd:
    """An attack that asks five rows and then does something odd."""

    scope: ClassVar[mex.Scope] = mex.Scope()
    paper: ClassVar[str] = "none"

    def learner(self, knowledge: mex.Knowledge, rng: np.random.Generator) -> mex.Learner:
        """Start a learner that calls :meth:`odd` when it is told its answers."""
        return _Odd(self, knowledge, rng)

    def odd(self) -> str | None:
        """Do it; return a note for the record."""
        return None

    def believe(self, knowledge: mex.Knowledge) -> Estimator:
        """The hypothesis."""
        return mex.halfspace(np.ones(knowledge.domain.n_features), classes=knowledge.classes)


class _Odd:
    note = ""

    def __init__(self, attack: Odd, knowledge: mex.Knowledge, rng: np.random.Generator) -> None:
        self.attack = attack
        self.knowledge = knowledge
        self.X = knowledge.domain.sample(5, rng)
        self.told = False

    def ask(self) -> FloatArray | None:
        return None if self.told else self.X

    def tell(self, X: FloatArray, answers: Array) -> None:
        self.told = True
        self.note = self.attack.odd() or ""

    def hypothesis(self) -> Estimator:
        return self.attack.believe(self.knowledge)
