"""What a defense does to answers, seen on the owner's rows and between them."""

from __future__ import annotations

import attrs
import numpy as np

from mex.app.audit.depth import RACE_SEED
from mex.app.audit.subject import Subject
from mex.app.matrix.isolation import isolated
from mex.defense import Defended, twin
from mex.errors import Incompatible
from mex.target import Target, labels
from mex.toolkit.active.samplers import between_rows
from mex.types import Answer, Array, FloatArray

ASKED, TRAINED, AGAIN = 1000, 500, 100
"""Rows of the owner, and as many between them, that are asked to see what a defense does; rows that it learns from for
that; and rows that are asked twice."""
ERRORS = 3.0
"""Standard errors by which labels may differ more than those of a model that varies by itself, and count as kept."""


@attrs.frozen(kw_only=True)
class Effect:
    """What a defense was seen to do.

    Attributes:
        answers: the kinds of answer that it gives.
        labels_kept: whether every label (or value) was the model's own, on the owner's rows and between them; then who
            reads these meets no defense.
        fresh: whether it answers a row otherwise when it is asked again: then repeating averages it away. A defense
            whose noise may be sticky, and is not, does so, on however few rows that is seen.
        watches: whether it may refuse rows or raise an alarm by what a client asked: then accounts go round it.
        accuracy_lost: how many of the owner's rows more are labelled wrongly, as a share; 0 of a regression.
    """

    answers: tuple[Answer, ...]
    labels_kept: bool
    fresh: bool
    watches: bool
    accuracy_lost: float = 0.0


@attrs.frozen(eq=False)
class Bare:
    """The model without a defense.

    Attributes:
        X: rows of the owner, and rows between them, where labels are less sure, shape (n, d).
        labels: its labels (or values) of these rows. Of a model that answers by chance only rows are left that got one
            label twice.
        truth: the labels that the owner has for the first of them.
        varies: the share of them that get another label when they are asked once more.
        steady: whether the first rows get the same answers of every kind again.
    """

    X: FloatArray
    labels: Array
    truth: Array
    varies: float
    steady: bool

    @classmethod
    def of(cls, subject: Subject) -> Bare:
        target, pool, truth = subject.target, subject.pool[:ASKED], subject.rows.y[:ASKED]
        rng, crossover = np.random.default_rng(RACE_SEED), target.family.axis_parallel
        X = np.concatenate([pool, between_rows(pool, target.domain, ASKED, rng, crossover=crossover)])
        with isolated(RACE_SEED):
            try:
                first = labels(target, X)
            except Incompatible:  # a record answers what was asked of it
                X, first = pool, labels(target, pool)
            same = labels(target, X) == first
            if same.any() and not same.all():
                X, first, truth = X[same], first[same], truth[same[: len(truth)]]
            varies = 0.0 if same.all() else float(np.mean(labels(target, X) != first))
            steady = all(_alike(target, pool[:AGAIN], kind) for kind in target.answers)
        return cls(X, first, truth, varies, steady)

    def kept(self, others: Array) -> bool:
        """Whether the labels that a defense gave are the model's own, as far as these stay the same themselves."""
        allowed = 0.0 if self.varies == 0 else self.varies + ERRORS * (self.varies / len(self.X)) ** 0.5
        return float(np.mean(others != self.labels)) <= allowed

    def lost(self, others: Array) -> float:
        """The share of the owner's rows that the labels of a defense get wrong, beyond those that the model does."""
        n = len(self.truth)
        return float(np.mean(others[:n] != self.truth) - np.mean(self.labels[:n] != self.truth))


def idle(defended: Target, target: Target, X: FloatArray) -> bool:
    """Whether a defense gives all that the model gives, as it is: on labels alone, label-only has nothing to hide."""
    kinds, asked = target.answers, twin(defended)
    return defended.answers == kinds and all(np.array_equal(asked.answer(X, k), target.answer(X, k)) for k in kinds)


def effect_of(defended: Target, bare: Bare, draws_afresh: bool) -> Effect:
    asked, again = twin(defended), twin(defended)
    varies = bare.steady and not all(_alike(asked, bare.X[:AGAIN], kind) for kind in defended.answers)
    given = labels(again, bare.X)
    kept = bare.kept(given)
    return Effect(
        answers=tuple(defended.answers),
        labels_kept=kept,
        fresh=draws_afresh or varies,
        watches=isinstance(defended, Defended) and type(defended).admit is not Defended.admit,
        accuracy_lost=0.0 if kept or defended.classes is None else bare.lost(given),
    )


def _alike(target: Target, X: FloatArray, kind: Answer) -> bool:
    """Whether rows get the same answers twice."""
    first, second = (target.answer(X, kind) for _ in range(2))
    return bool(np.array_equal(first, second))
