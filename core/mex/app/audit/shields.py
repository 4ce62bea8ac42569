"""Which defenses apply to a model, in settings to deploy, and what each does to answers, seen on the owner's rows."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import numpy as np

from mex.app.audit.depth import RACE_SEED
from mex.app.audit.subject import Subject
from mex.app.matrix.scenarios import protect
from mex.dataset import Rows
from mex.defense import Defended, twin
from mex.errors import MexError, sentence
from mex.knowledge import Knowledge
from mex.params import default, fields
from mex.registry.spec import Spec
from mex.target import Target, knowledge, labels
from mex.types import Answer

SETTINGS = {
    "bounded-noise": ("rho=0.05", "rho=0.02"),
    "boundary-noise": ("share=0.1",),
    "rounding": ("decimals=1",),
}
VALUES = {"rounding": ("grid=0.1",)}
"""Settings that honest users can live with, where a default is the one that a paper measured; and of regressors."""
PER_CLIENT = ("query-budget",)
"""Not tried: what it buys is its limit, which the verdict gives, times the accounts that a thief has."""
ASKED, TRAINED = 1000, 500
"""Rows that are asked to see what a defense does, and rows that it learns from for that."""


@attrs.frozen(kw_only=True)
class Effect:
    """What a defense was seen to do.

    Attributes:
        answers: the kinds of answer that it gives.
        labels_kept: whether every label (or value) is the model's own; then who reads these meets no defense.
        fresh: whether it answers a row otherwise when it is asked again: then repeating averages it away.
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
    for spec, reason in _settings(subject, names):
        effect = None
        if not reason:
            effect, reason = _seen(subject, spec)
        found.append(Shield(spec, str(spec), reason, effect))
    return found


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


def _seen(subject: Subject, spec: Spec) -> tuple[Effect | None, str]:
    """What a defense does to the answers to the owner's rows, and why it cannot stand before the model; or ""."""
    target, rows = subject.target, subject.rows
    try:
        if subject.costs_money:
            known: Knowledge = knowledge(target)
            subject.registry.build("defense", spec).scope.check(spec.name, known)
            return None, ""
        train = Rows(rows.X[:TRAINED], rows.y[:TRAINED])
        defended = protect(subject.registry, spec, target, train, RACE_SEED)
        return _effect(target, defended, subject), ""
    except MexError as error:
        return None, sentence(error)
    except Exception as error:
        return None, f"it failed when it was put before the model: {sentence(error)}"


def _effect(target: Target, defended: Target, subject: Subject) -> Effect:
    X = subject.pool[:ASKED]
    asked, again = twin(defended), twin(defended)
    fresh = False
    for kind in defended.answers:
        first, second = (asked.answer(X[:100], kind) for _ in range(2))
        fresh |= not np.array_equal(first, second)
    return Effect(
        answers=tuple(defended.answers),
        labels_kept=bool(np.array_equal(labels(again, X), labels(target, X))),
        fresh=fresh,
        watches=isinstance(defended, Defended) and type(defended).admit is not Defended.admit,
    )
