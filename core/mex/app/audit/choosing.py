"""Which attacks apply to a model: read off the scopes that components declare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np

from mex.app.audit.depth import RACE_SEED
from mex.app.audit.subject import Subject
from mex.errors import Incompatible, MexError, UsageError
from mex.knowledge import KINDS, Knowledge, Scope
from mex.learner import Attack, closed_after
from mex.params import fields
from mex.registry import Registry
from mex.registry.spec import Spec
from mex.target import knowledge
from mex.types import Answer

BASELINES = ("passive", "passive:sampler=near")
"""The attacks that every other one is compared with: random rows, and rows between these."""
SURROGATE = "random-forest"
"""What a thief fits who does not know the class of the model."""
BUDGET = 1000
"""Queries for which an attack is started to see whether it applies."""


@attrs.frozen
class Choice:
    """An attack that was considered.

    Attributes:
        spec: the attack as it would run.
        label: what to call it.
        reads: the kind of answer that it reads; None if it does not apply.
        made_for: whether it is made for the class of the model.
        baseline: whether it is one of :data:`BASELINES`.
        rows, family: whether the thief has unlabeled rows, and knows the class of the model.
        reason: why it does not apply; or "".
    """

    spec: Spec
    label: str
    reads: Answer | None = None
    made_for: bool = False
    baseline: bool = False
    rows: bool = True
    family: bool = True
    reason: str = ""

    @property
    def guesses(self) -> bool:
        """Whether the thief does not know the class, and takes the model for one that the attack is made for."""
        return bool(self.spec.params.get("guess", "none") != "none")

    @property
    def role(self) -> str:
        """Why it is among those that apply."""
        if self.baseline:
            return "a baseline"
        return "made for this class" if self.made_for else "a guess at the class" if self.guesses else "any class"

    @property
    def table(self) -> dict[str, Any]:
        """The attack as a table of a plan."""
        return {"use": self.spec.name, **self.spec.params}


def attacks(subject: Subject) -> list[Choice]:
    """Every attack that is installed, for each kind of answer from which it works on the model; or why it does not.

    Attacks stand as they are and as they are declared to counter a defense: those variants are made for noise, and win
    without it as well. One that wraps another attack is left to what calls for it. A model of a class that no attack
    knows, such as code of one's own, is taken for each of those that attacks are made for: a thief tries that, too.
    """
    registry = subject.registry
    found: list[Choice] = []
    for text in _variants(registry):
        spec = Spec.parse(text)
        if any(field.metadata.get("component") == "attack" for field in _fields(registry, spec)):
            found.append(
                Choice(spec, text, reason="it wraps another attack: used where a defense or a thief calls for it")
            )
            continue
        found += _by_kind(subject, spec, text)
    return found


def _variants(registry: Registry) -> list[str]:
    """The baselines, each attack as it stands, and as it is declared to counter a defense, each once."""
    declared = [text for p in registry.provided() for _, text in p.component.counters]
    names = [p.component.name for p in registry.provided("attack")]
    return [t for t in dict.fromkeys((*BASELINES, *names, *declared)) if Spec.parse(t).name in names]


def _by_kind(subject: Subject, spec: Spec, label: str) -> list[Choice]:
    """The choices of one attack, one for each kind of answer that it reads; or one with the reason."""
    try:
        attack: Attack = subject.registry.build("attack", spec)
    except UsageError as error:
        return [Choice(spec, label, reason=str(error))]
    family = subject.target.family.kind
    chosen, reasons = [], []
    for kind in subject.kinds:
        reason = _refusal(attack, spec.name, knowledge(subject.target, answers=kind, pool=subject.pool, budget=BUDGET))
        if reason:
            reasons.append(reason)
        else:
            chosen.append(Choice(spec, label, kind, family in attack.scope.families, label in BASELINES))
    guessed = _guesses(subject, spec, label, attack.scope.families) if family not in KINDS else []
    return chosen or guessed or [Choice(spec, label, reason=reasons[0])]


def _guesses(subject: Subject, spec: Spec, label: str, families: Sequence[str]) -> list[Choice]:
    """An attack on some classes, by a thief who takes a model of no known class for one of them, and tries."""
    found = []
    for guess in families:
        inner = {"use": spec.name, **spec.params}
        wrapped = Spec("restricted", {"inner": inner, "pool": True, "family": True, "guess": guess})
        attack: Attack = subject.registry.build("attack", wrapped)
        for kind in subject.kinds:
            known = knowledge(subject.target, answers=kind, pool=subject.pool, budget=BUDGET)
            if not _refusal(attack, spec.name, known):
                found.append(Choice(wrapped, f"{label}, taken for {guess}", kind))
    return found


def _refusal(attack: Attack, name: str, known: Knowledge) -> str:
    """Why an attack cannot work there, by its scope or as it is started; or "". Nothing is asked.

    An attack that fails otherwise applies: the race tells how it failed.
    """
    try:
        attack.scope.check(name, known)
        with closed_after(attack.learner(known, np.random.default_rng(RACE_SEED))):
            return ""
    except Incompatible as error:
        return str(error)
    except Exception:
        return ""


def restricted(subject: Subject, choice: Choice, rows: bool, family: bool) -> Choice | None:
    """The same attack by a thief who knows less; None if it cannot do without.

    One that draws from the rows draws uniformly instead, and one that fits the public class fits a forest: both are
    parameters by these names in every attack that has them. One that is made for the class is tried on a guess at it: a
    wrong guess shows after a few rows, so that not to tell the class is no defense.
    """
    registry, params = subject.registry, dict(choice.spec.params)
    by_name = {f.name: f for f in _fields(registry, choice.spec)}
    scope: Scope = registry.build("attack", choice.spec).scope
    if not rows and scope.needs_pool:
        return None
    if not rows and "sampler" in by_name:
        params["sampler"] = "uniform"
    if not family and "model" in by_name and params.get("model") is None:
        params["model"] = SURROGATE
    guess = {"guess": subject.target.family.kind} if not family and scope.families else {}
    inner = Spec(choice.spec.name, params)
    lacks = ["no rows"] * (not rows) + [f"class {'guessed' if guess else 'unknown'}"] * (not family)
    less = {"pool": rows, "family": family}
    told = params if choice.guesses else {"inner": {"use": inner.name, **params}, **guess}
    spec = Spec("restricted", {**told, **less})
    try:
        registry.build("attack", spec)
    except (UsageError, MexError):
        return None
    name = choice.label if choice.guesses else str(inner)
    return attrs.evolve(choice, spec=spec, label=f"{name}, {' and '.join(lacks)}", rows=rows, family=family)


def _fields(registry: Registry, spec: Spec) -> tuple[attrs.Attribute[Any], ...]:
    return fields(registry.load("attack", spec.name))
