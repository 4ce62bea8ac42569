"""An attack at one interface, and all that its checks look at."""

from __future__ import annotations

from contextlib import suppress
from typing import ClassVar

import attrs
import numpy as np

from mex.defense import Defended, twin
from mex.errors import Incompatible, writes_nothing
from mex.extraction import Extraction, extract
from mex.learner import Attack, Learner, predictions
from mex.oracle import Oracle
from mex.target import Target, labels
from mex.testing.examples import example_dataset, example_targets
from mex.testing.kit import once
from mex.types import Answer, Array, BoolArray, Estimator, FloatArray

BUDGET = 120
ANSWERED = 33
"""Rows that a defense answers before it shuts the client out."""


@attrs.frozen(eq=False)
class Seen:
    """A hypothesis, and what it predicted when it was returned, or the error that it raised."""

    queries: int
    hypothesis: Estimator
    then: Array | None
    error: Exception | None

    def predicted(self) -> Array:
        """What it predicted, or its error again."""
        if self.error is not None:
            raise self.error
        assert self.then is not None
        return self.then


class AttackRun:
    """An attack at one interface, and points on which its hypotheses are compared."""

    def __init__(self, attack: Attack, target: Target, answers: Answer) -> None:
        self.attack = attack
        self.target = target
        self.answers = answers
        self.pool = example_dataset(bits=bool(target.domain.integer.all())).X
        if self.pool.shape[1] != target.domain.n_features or target.domain.objection(self.pool):
            self.pool = target.domain.sample(len(self.pool), np.random.default_rng(5))
        self.X = target.domain.sample(1000, np.random.default_rng(4))
        self._seen: list[Seen] = []
        named = target.answers != ("leaf",)  # an interface of ids alone is stolen as it is
        self.classes: Array | None = target.classes if named else None
        self.truth = labels(twin(target), self.X) if named else target.answer(self.X, "leaf")

    def start(self, shut_out: bool = False) -> tuple[Oracle, Learner]:
        """An oracle that was asked nothing, of a target that was asked nothing, and a learner that asked nothing."""
        target = twin(self.target)
        oracle = Oracle(_ShutOut(target) if shut_out else target, answers=self.answers, budget=BUDGET)
        known = oracle.knowledge(pool=self.pool)
        self.attack.scope.check(type(self.attack).__name__, known)
        with writes_nothing("the attack"):
            return oracle, self.attack.learner(known, np.random.default_rng(3))

    @once
    def started(self) -> tuple[Oracle, Learner]:
        """The oracle and the learner that all below look at, in this order."""
        return self.start()

    @property
    def learner(self) -> Learner:
        """The learner."""
        return self.started[1]

    @once
    def initial(self) -> Estimator:
        """The hypothesis before the first answer."""
        return self.learner.hypothesis()

    @once
    def asked_twice(self) -> tuple[FloatArray | None, FloatArray | None]:
        """What it asks first, and what it asks then without having been told."""
        with suppress(Exception):
            self.initial  # noqa: B018 - computed before, whatever comes of it
        return self.learner.ask(), self.learner.ask()

    @once
    def extraction(self) -> Extraction:
        """What it gets for the whole budget; with what its hypotheses along the way predicted in :attr:`seen`."""
        with suppress(Exception):
            self.asked_twice  # noqa: B018
        oracle, learner = self.started
        return extract(oracle, learner, keep=lambda hypothesis: self._see(oracle.queries, hypothesis))

    @property
    def seen(self) -> list[Seen]:
        """Its hypotheses along the way, as far as it gets."""
        with suppress(Exception):
            self.extraction  # noqa: B018
        return self._seen

    def _see(self, queries: int, hypothesis: Estimator) -> None:
        try:
            self._seen.append(Seen(queries, hypothesis, self.predict(hypothesis), None))
        except Exception as error:
            self._seen.append(Seen(queries, hypothesis, None, error))

    def accepted(self) -> bool:
        """Whether the attack works there at all; what else goes wrong is for its checks."""
        try:
            self.started  # noqa: B018
        except Incompatible:
            return False
        except Exception:
            return True
        return True

    def predict(self, hypothesis: Estimator) -> Array:
        """What a hypothesis predicts for the points, if it does so as it should."""
        return predictions(hypothesis, self.X, self.classes)


def accepted_runs(attack: Attack, target: Target | None) -> list[AttackRun]:
    """The runs that the attack accepts: at a target, or at the example targets of the first family with any."""
    for family in example_targets() if target is None else [[target]]:
        runs = [AttackRun(attack, candidate, answers) for candidate in family for answers in candidate.answers]
        if accepted := [run for run in runs if run.accepted()]:
            return accepted
    return []


class _ShutOut(Defended):
    """Answers the first rows of a client, and none after them."""

    every_kind: ClassVar[bool] = True

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._asked = 0

    @property
    def rho(self) -> float | None:
        """That of the target behind: what is answered is as it was."""
        return self._target.rho

    def admit(self, X: FloatArray) -> BoolArray:
        """The first rows only."""
        numbers = self._asked + np.arange(len(X))
        self._asked += len(X)
        return self._target.admit(X) & (numbers < ANSWERED)

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        """What the target behind answers."""
        return self._target.answer(X, kind)
