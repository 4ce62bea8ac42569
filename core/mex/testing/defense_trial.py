"""A defense on trial: what it protects, and the protected targets that its checks look at."""

from __future__ import annotations

import copy
from collections.abc import Collection
from contextlib import suppress
from typing import ClassVar

import attrs
import numpy as np

from mex.dataset import Rows
from mex.defense import Defended, Defense
from mex.errors import Incompatible, UsageError
from mex.params import fields
from mex.target import Target, knowledge, labels
from mex.testing.examples import example_target
from mex.testing.kit import once
from mex.toolkit.perturbation.rules import class_index
from mex.types import Answer, Array, FloatArray


@attrs.frozen(eq=False, slots=False)
class DefenseTrial:
    """A defense, and the target that it protects."""

    component: Defense
    given: Target | None = attrs.field(default=None, alias="target", kw_only=True)
    expect_change: bool = attrs.field(default=True, kw_only=True)
    untouched: Collection[str] = attrs.field(default=("label",), kw_only=True)
    nests: bool = attrs.field(default=True, kw_only=True)
    kind: ClassVar[str] = "defense"

    @once
    def target(self) -> Target | None:
        """What is to be protected: by default the first example target that it accepts, None if it accepts none."""
        if self.given is not None:
            return self.given
        for task in ("binary", "regression"):
            target = example_target(task)
            try:
                self.component.scope.check(type(self.component).__name__, knowledge(target))
                self.component.protect(target, _rows(target), np.random.default_rng(1))
            except Incompatible:
                continue
            except Exception:  # what goes wrong is for its checks
                return target
            return target
        return None

    @property
    def behind(self) -> Target:
        """The same, where there is one."""
        assert self.target is not None, (
            "the defense accepts none of the example targets: widen its scope, raise mex.Incompatible only where it"
            " cannot protect, or give the check a target=... of the kind that it is made for"
        )
        return self.target

    @once
    def train(self) -> Rows:
        """The operator's rows."""
        return _rows(self.behind)

    @property
    def X(self) -> FloatArray:
        """The rows that a client asks."""
        return self.train.X

    def protected(self, behind: Target | None = None, seed: int = 1, component: Defense | None = None) -> Target:
        """What it makes of a target, by default of its own, with a stream of a seed: nobody has asked it anything."""
        rng = np.random.default_rng(seed)
        return (component or self.component).protect(self.behind if behind is None else behind, self.train, rng)

    @once
    def shown(self) -> Target:
        """A protected target, whose face is looked at."""
        return self.protected()

    @once
    def answered(self) -> dict[Answer, tuple[Array, Target]]:
        """For each kind, the answers to the rows as one batch, and a copy of the target from before it was asked."""
        answers: dict[Answer, tuple[Array, Target]] = {}
        for kind in self.shown.answers:
            batch = self.protected()
            honest = copy.deepcopy(batch)
            answers[kind] = (batch.answer(self.X, kind), honest)
        return answers

    @once
    def sticky_forms(self) -> list[Defense]:
        """The forms of the defense that promise the same answer to the same row for ever."""
        names = [field.name for field in fields(type(self.component))]
        if "sticky" in names:
            with suppress(UsageError):  # beside another parameter that excludes it
                return [attrs.evolve(self.component, sticky=True)]  # type: ignore[misc]
        return []

    def refuses_to_nest(self) -> Incompatible | None:
        """Why it does not stand before another defense, or None if it does."""
        try:
            self.protected(Nest(self.behind, turn=False))
        except Incompatible as refusal:
            return refusal
        return None


def _rows(target: Target) -> Rows:
    X = target.domain.sample(200, np.random.default_rng(0))
    return Rows(X, labels(target, X))


class Nest(Defended):
    """A defense that does nothing, or turns every answer round."""

    every_kind: ClassVar[bool] = True

    def __init__(self, target: Target, turn: bool) -> None:
        super().__init__(target)
        self._turn = turn

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        """The answers of the target behind, or the opposite."""
        answers = self._target.answer(X, kind)
        if not self._turn:
            return answers
        if kind == "label" and self.classes is not None:
            return np.asarray(self.classes[::-1][class_index(self.classes, answers)])
        return np.asarray(answers[:, ::-1] if kind == "proba" else -answers)
