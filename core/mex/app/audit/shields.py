"""Which defenses apply to a model, in settings to deploy, and what each does to answers, seen on the owner's rows."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import numpy as np

from mex.app.audit.depth import RACE_SEED
from mex.app.audit.subject import Subject
from mex.app.matrix.isolation import isolated
from mex.app.matrix.scenarios import protect
from mex.dataset import Rows
from mex.defense import Defended, twin
from mex.errors import Incompatible, MexError, sentence
from mex.knowledge import Knowledge
from mex.params import default, fields
from mex.registry.spec import Spec
from mex.target import Target, knowledge, labels
from mex.toolkit.active.samplers import between_rows
from mex.types import Answer, Array, FloatArray

SETTINGS = {
    "bounded-noise": ("rho=0.05", "rho=0.02"),
    "boundary-noise": ("share=0.1",),
    "rounding": ("decimals=1",),
}
VALUES = {"rounding": ("grid=0.1",)}
"""Settings that honest users can live with, where a default is the one that a paper measured; and of regressors."""
PER_CLIENT = ("query-budget",)
"""Not tried: what it buys is its limit, which the verdict gives, times the accounts that a thief has."""
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
    """

    answers: tuple[Answer, ...]
    labels_kept: bool
    fresh: bool
    watches: bool


@attrs.frozen
class Shield:
    """A defense that was considered.

    Attributes:
        spec: the defense as it would run.
        label: what to call it.
        reason: why it is not tried; or "".
        effect: what it does; None if it was not looked at, as of a model whose rows cost money.
    """

    spec: Spec
    label: str
    reason: str = ""
    effect: Effect | None = None


def shields(subject: Subject, names: tuple[str, ...] = ()) -> list[Shield]:
    """Every defense that is installed, in settings to deploy; of noise, fresh for each question and sticky.

    Args:
        subject: the model.
        names: those to try, each in its first setting; empty for all.
    """
    found = []
    bare = None if subject.costs_money else _Bare.of(subject)
    for spec, reason in _settings(subject, names):
        effect = None
        if not reason:
            effect, reason = _seen(subject, spec, bare)
        found.append(Shield(spec, str(spec), reason, effect))
    return found


@attrs.frozen(eq=False)
class _Bare:
    """The model without a defense.

    Attributes:
        X: rows of the owner, and rows between them, where labels are less sure, shape (n, d).
        labels: its labels (or values) of these rows. Of a model that answers by chance only rows are left that got one
            label twice.
        varies: the share of them that get another label when they are asked once more.
        steady: whether the first rows get the same answers of every kind again.
    """

    X: FloatArray
    labels: Array
    varies: float
    steady: bool

    @classmethod
    def of(cls, subject: Subject) -> _Bare:
        target, pool = subject.target, subject.pool[:ASKED]
        rng, crossover = np.random.default_rng(RACE_SEED), target.family.axis_parallel
        X = np.concatenate([pool, between_rows(pool, target.domain, ASKED, rng, crossover=crossover)])
        with isolated(RACE_SEED):
            try:
                first = labels(target, X)
            except Incompatible:  # a record answers what was asked of it
                X, first = pool, labels(target, pool)
            same = labels(target, X) == first
            if same.any() and not same.all():
                X, first = X[same], first[same]
            varies = 0.0 if same.all() else float(np.mean(labels(target, X) != first))
            steady = all(_alike(target, pool[:AGAIN], kind) for kind in target.answers)
        return cls(X, first, varies, steady)

    def kept(self, others: Array) -> bool:
        """Whether the labels that a defense gave are the model's own, as far as these stay the same themselves."""
        allowed = 0.0 if self.varies == 0 else self.varies + ERRORS * (self.varies / len(self.X)) ** 0.5
        return float(np.mean(others != self.labels)) <= allowed


def _alike(target: Target, X: FloatArray, kind: Answer) -> bool:
    """Whether rows get the same answers twice."""
    first, second = (target.answer(X, kind) for _ in range(2))
    return bool(np.array_equal(first, second))


def _settings(subject: Subject, names: tuple[str, ...]) -> Iterator[tuple[Spec, str]]:
    """Each defense in each setting, and why it is left out without a look; or ""."""
    for provided in subject.registry.provided("defense"):
        name = provided.component.name
        if name == "none":
            continue
        if name in PER_CLIENT:
            yield Spec(name), "what it buys is its limit for each account: the daily cap in the verdict"
            continue
        settings = SETTINGS if subject.target.classes is not None else {**SETTINGS, **VALUES}
        for text in settings.get(name, ("",))[: 1 if names else None]:
            spec = Spec.parse(f"{name}:{text}" if text else name)
            reason = "left out at this depth" if names and name not in names else ""
            yield spec, reason
            takes = fields(subject.registry.load("defense", name))
            if not reason and any(field.name == "sticky" and default(field) is False for field in takes):
                yield Spec(name, {**spec.params, "sticky": True}), ""


def _seen(subject: Subject, spec: Spec, bare: _Bare | None) -> tuple[Effect | None, str]:
    """What a defense does to the answers to the owner's rows, and why it cannot stand before the model; or ""."""
    target, rows = subject.target, subject.rows
    try:
        built = subject.registry.build("defense", spec)
        if bare is None:
            known: Knowledge = knowledge(target)
            built.scope.check(spec.name, known)
            return None, ""
        train = Rows(rows.X[:TRAINED], rows.y[:TRAINED])
        defended = protect(subject.registry, spec, target, train, RACE_SEED)
        return _effect(defended, bare, draws_afresh=getattr(built, "sticky", None) is False), ""
    except MexError as error:
        return None, sentence(error)
    except Exception as error:
        return None, f"it failed when it was put before the model: {sentence(error)}"


def _effect(defended: Target, bare: _Bare, draws_afresh: bool) -> Effect:
    asked, again = twin(defended), twin(defended)
    varies = bare.steady and not all(_alike(asked, bare.X[:AGAIN], kind) for kind in defended.answers)
    return Effect(
        answers=tuple(defended.answers),
        labels_kept=bare.kept(labels(again, bare.X)),
        fresh=draws_afresh or varies,
        watches=isinstance(defended, Defended) and type(defended).admit is not Defended.admit,
    )
