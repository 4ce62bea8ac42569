"""Which defenses apply to a model, in settings to deploy, and what each does to answers, seen on the owner's rows."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from mex.app.audit.depth import RACE_SEED
from mex.app.audit.effects import TRAINED, Bare, Effect, effect_of, idle
from mex.app.audit.subject import Subject
from mex.app.matrix.scenarios import protect
from mex.dataset import Rows
from mex.errors import MexError, sentence
from mex.knowledge import Knowledge
from mex.params import default, fields
from mex.registry.spec import Spec
from mex.target import knowledge

SETTINGS = {
    "bounded-noise": ("rho=0.05", "rho=0.02"),
    "boundary-noise": ("share=0.1",),
    "rounding": ("decimals=1",),
}
VALUES = {"rounding": ("grid=0.1",)}
"""Settings that honest users can live with, where a default is the one that a paper measured; and of regressors."""
PER_CLIENT = ("query-budget",)
"""Not tried: what it buys is its limit, which the verdict gives, times the accounts that a thief has."""
DEAR = 0.02
"""The share of the owner's rows from which on a defense that mislabels as many more is measured after all others."""


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

    @property
    def promising(self) -> bool:
        """Whether something that is measured could make it worth deploying, by what was seen of it."""
        seen = self.effect
        return seen is None or not (seen.fresh or seen.watches or seen.accuracy_lost > DEAR)


def shields(subject: Subject, names: tuple[str, ...] = ()) -> list[Shield]:
    """Every defense that is installed, in settings to deploy; of noise, fresh for each question and sticky.

    Args:
        subject: the model.
        names: those to try, each in its first setting; empty for all.
    """
    found = []
    bare = None if subject.costs_money else Bare.of(subject)
    for spec, reason in _settings(subject, names):
        effect = None
        if not reason:
            effect, reason = _seen(subject, spec, bare)
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


def _seen(subject: Subject, spec: Spec, bare: Bare | None) -> tuple[Effect | None, str]:
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
        effect = effect_of(defended, bare, draws_afresh=getattr(built, "sticky", None) is False)
        nothing = bare.steady and not effect.fresh and not effect.watches and idle(defended, target, bare.X)
        return effect, f"it changes nothing: {len(bare.X):,} rows got the model's own answers" if nothing else ""
    except MexError as error:
        return None, sentence(error)
    except Exception as error:
        return None, f"it failed when it was put before the model: {sentence(error)}"
