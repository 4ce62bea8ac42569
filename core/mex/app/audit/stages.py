"""The matrices of an audit: a race of all attacks, the judging of those that stay, and the defenses against them."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any

import attrs

from mex.app.audit.choosing import Choice, restricted
from mex.app.audit.depth import RACE_SEED, Depth
from mex.app.audit.shields import Shield
from mex.app.audit.subject import Subject
from mex.types import Answer

KNOWS_LESS = ((False, True), (True, False), (False, False))
"""(rows, class) of the thieves who know less: no unlabeled rows, an unknown class, and neither."""
VOTED = "majority-vote"


@attrs.frozen(eq=False)
class Stage:
    """One matrix of an audit.

    Attributes:
        name: of its recipe: ``race-label``, ``judged-label``, ``defended-label``.
        kind: the answers that are shown.
        choices: its attacks, by label.
        shields: its defenses, by label; none is the model as it stands.
        seeds, budget: as a plan has them.
        long: whether it is of the race, and its attacks ask as much as when they are judged.
    """

    name: str
    kind: Answer
    choices: dict[str, Choice]
    shields: dict[str, Shield]
    seeds: tuple[int, ...]
    budget: int
    long: bool = False

    @property
    def cells(self) -> int:
        """How many cells it has, without those that its plan adds."""
        return len(self.choices) * max(1, len(self.shields)) * len(self.seeds)

    @property
    def rows(self) -> int:
        """How many rows its attacks may ask, at least one."""
        return max(1, self.cells * self.budget)

    def tables(self, subject: Subject, price: float) -> dict[str, Any]:
        """The stage as the tables of a plan."""
        attacks: dict[str, Any] = {label: choice.table for label, choice in self.choices.items()}
        defenses: dict[str, Any] = {"none": {}} if not self.shields else {}
        defenses |= {label: {"use": shield.spec.name, **shield.spec.params} for label, shield in self.shields.items()}
        return {
            "attacks": attacks,
            "defenses": defenses,
            **subject.tables(),
            "answers": self.kind,
            "seeds": list(self.seeds),
            "budget": self.budget,
            "price_per_query": price,
        }


def race(subject: Subject, choices: Sequence[Choice], depth: Depth) -> list[Stage]:
    """All attacks that apply, each for the answers that it reads, with a seed of its own and a small budget.

    Those made for the class of the model have the budget of the judging: exact ones show little until they have asked
    several rows for each feature, and are then the best.
    """
    rows, stages = race_rows(subject, depth), []
    for kind, of_kind in _by_kind(choices).items():
        made_for = [choice for choice in of_kind if choice.made_for]
        others = [choice for choice in of_kind if not choice.made_for]
        for name, these, budget in (("race", others, rows), ("long-race", made_for, depth.budget)):
            if these:
                long = budget > rows
                stages.append(Stage(f"{name}-{kind}", kind, by_label(these), {}, (RACE_SEED,), budget, long))
    return stages


def race_rows(subject: Subject, depth: Depth) -> int:
    """How many rows an attack asks in the race that is not made for the class of the model."""
    return min(depth.budget, max(depth.race_budget, depth.race_rows * subject.target.domain.n_features))


def judged(stay: Sequence[Choice], depth: Depth, name: str = "judged") -> list[Stage]:
    """Those that stayed, with seeds that the race has not seen."""
    return _judging(name, stay, depth)


def weaker(subject: Subject, stay: Sequence[Choice], depth: Depth) -> list[Stage]:
    """What they are worth to thieves who know less; ``stay`` are in the order in which they are preferred."""
    less = [restricted(subject, choice, rows, family) for rows, family in KNOWS_LESS for choice in stay]
    return _judging("weaker", _few([choice for choice in less if choice is not None], depth), depth)


def _judging(name: str, choices: Sequence[Choice], depth: Depth) -> list[Stage]:
    seeds = tuple(range(depth.seeds))
    return [
        Stage(f"{name}-{kind}", kind, by_label(of_kind), {}, seeds, depth.budget)
        for kind, of_kind in _by_kind(choices).items()
    ]


def _few(weaker: Sequence[Choice], depth: Depth) -> list[Choice]:
    """Of the thieves who know less the first of each kind, as many as stayed of each; guesses are of their own kind."""
    counted: dict[tuple[Any, ...], int] = {}
    few = []
    for choice in dict.fromkeys(weaker):
        group = choice.reads, choice.rows, choice.family, choice.made_for or choice.guesses
        counted[group] = counted.get(group, 0) + 1
        if counted[group] <= depth.keep:
            few.append(choice)
    return few


def tiers(shields: Sequence[Shield]) -> list[tuple[str, list[Shield]]]:
    """Defenses by when they are measured, each with a name for its stages: first those that may be worth deploying."""
    return [
        ("defended", [shield for shield in shields if shield.promising]),
        ("costly", [shield for shield in shields if not shield.promising]),
    ]


def defended(
    stay: Sequence[Choice],
    cheap: Container[Choice],
    shields: Sequence[Shield],
    depth: Depth,
    name: str = "defended",
) -> list[Stage]:
    """The defenses against the best attacks on each kind of answer, the best baseline and those that take little time.

    A defense may stop the best attack and not the next: it is worth what the best of all that meet it needs. Where
    labels are noisy there is a vote around the best as well. The attacks that know a defense are added by the plan
    (:mod:`mex.app.matrix.counters`). Who reads answers that a defense leaves alone meets the model as it stands, and
    was judged there.
    """
    stages = []
    for kind, of_kind in _by_kind(stay).items():
        first, baselines = of_kind[: depth.defended_by], [choice for choice in of_kind if choice.baseline]
        best = [c for c in of_kind if c in first or c in baselines[:1] or (c in cheap and not c.baseline)]
        tried = [shield for shield in shields if not shield.reason and meets(shield, kind)]
        if not depth.broken:
            tried = [s for s in tried if not (s.effect and (s.effect.fresh or s.effect.watches))]
        noisy = [shield for shield in tried if shield.effect is None or shield.effect.fresh]
        voted = [_vote(best[0])] if kind == "label" else []
        seeds = tuple(range(depth.seeds))
        for stage, choices, these in (
            (name, best, [shield for shield in tried if not (voted and shield in noisy)]),
            ("voted", [*best, *voted], noisy if voted else []),
        ):
            if these:
                by = {shield.label: shield for shield in these}
                stages.append(Stage(f"{stage}-{kind}", kind, by_label(choices), by, seeds, depth.budget))
    return stages


def meets(shield: Shield, kind: Answer) -> bool:
    """Whether who reads that kind of answer meets the defense at all."""
    effect = shield.effect
    if effect is None:
        return True
    return kind in effect.answers and (kind not in ("label", "value") or not effect.labels_kept or effect.watches)


def _vote(choice: Choice) -> Choice:
    """The same attack by a thief who asks each row again and again, and takes the label given most often."""
    inner = {"use": choice.spec.name, **choice.spec.params}
    spec = attrs.evolve(choice.spec, name=VOTED, params={"inner": inner, "repeats": "exact"})
    return attrs.evolve(choice, spec=spec, label=f"{VOTED} of {choice.label}", baseline=False)


def by_label(choices: Sequence[Choice]) -> dict[str, Choice]:
    """Choices by their labels, which are those of the rows of a plan."""
    return {choice.label: choice for choice in choices}


def _by_kind(choices: Sequence[Choice]) -> dict[Answer, list[Choice]]:
    found: dict[Answer, list[Choice]] = {}
    for choice in choices:
        if choice.reads is not None:
            found.setdefault(choice.reads, []).append(choice)
    return found
