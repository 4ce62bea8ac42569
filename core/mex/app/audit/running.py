"""Running an audit: stage by stage as matrices in one directory, so that a second run goes on where one was ended."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import attrs

from mex.app.analysis.statistics import LEVELS
from mex.app.audit import racing, stages
from mex.app.audit.choosing import Choice, attacks
from mex.app.audit.clock import Clock, share_of_seed
from mex.app.audit.depth import Depth
from mex.app.audit.measuring import Measured, UnderWay
from mex.app.audit.shields import Shield, shields
from mex.app.audit.subject import Subject
from mex.app.matrix.backends import Workers
from mex.app.matrix.run import Run
from mex.types import Answer


@attrs.frozen(eq=False)
class Outcome:
    """What an audit measured.

    Attributes:
        subject, depth, price: what was asked for.
        choices, shields: all that was considered.
        stay: the attacks that stayed in the race, best first.
        slow: those that would have stayed, and would take too long to judge: they ask what time allows, and meet no
            defense.
        raced, judged, defended: what each stage came to; judged are those who know less, too.
        left: sentences on the attacks that left the race.
        recipes: for each stage the text of the file that repeats it.
        minutes: the time that it had.
    """

    subject: Subject
    depth: Depth
    price: float
    choices: Sequence[Choice]
    shields: Sequence[Shield]
    stay: Sequence[Choice]
    slow: Sequence[Choice]
    raced: Sequence[Measured]
    judged: Sequence[Measured]
    defended: Sequence[Measured]
    left: Sequence[str]
    recipes: dict[str, str]
    minutes: float

    @property
    def cut(self) -> int:
        """How many cells were ended, or not begun, as the time was over."""
        return sum(measured.late for measured in (*self.raced, *self.judged, *self.defended))

    @property
    def constant(self) -> float | None:
        """The agreement of one constant answer, in the seed where it is highest; None for a regression.

        It is 0 by definition of R² there: the constant is the mean.
        """
        return max((r["majority"] for m in self.judged for r in m.group.ran if r["majority"] is not None), default=None)

    @property
    def levels(self) -> list[float]:
        """The levels of agreement that tell a theft: those that no constant answer gets to."""
        return [level for level in LEVELS if level > (self.constant or 0.0)]

    @property
    def varies(self) -> dict[Answer, float]:
        """By kind the share of rows that the model itself answers otherwise when asked again, of a model of chance."""
        found: dict[Answer, float] = {}
        for measured in self.judged:
            if (kind := measured.choice.reads) is not None:
                shares = [r["repeats_differ"] or 0.0 for r in measured.group.ran]
                found[kind] = max([found.get(kind, 0.0), *shares])
        return {kind: share for kind, share in found.items() if share}

    @property
    def unjudged(self) -> list[Choice]:
        """The attacks that apply and were not judged to the end, as they failed or took too long: any may be best."""
        judged = {(m.choice.label, m.choice.reads) for m in self.judged if m.group.ran and not m.open}
        failed = [m.choice for m in (*self.raced, *self.judged) if m.group.status == "failed"]
        ended = [m.choice for m in self.judged if m.open]
        know_all = (choice for choice in (*failed, *self.slow, *self.rushed, *ended) if choice.rows and choice.family)
        return list(dict.fromkeys(c for c in know_all if (c.label, c.reads) not in judged))

    @property
    def rushed(self) -> list[Choice]:
        """The attacks made for the class whose time was over before they had asked all: few rows tell little of them.

        Of a kind of answer from which another such attack was judged they are named, and hold up no recommendation.
        """
        few = (m for m in self.raced if m.group.ran and (m.group.budget < self.depth.budget or m.open))
        return [m.choice for m in few if m.choice.made_for]

    @property
    def measured(self) -> list[Measured]:
        """What judges: all but the race."""
        return [*self.judged, *self.defended]


@attrs.frozen(eq=False)
class Audit:
    """An audit that can be run.

    Attributes:
        subject, depth, price: what is audited, how deeply, and what a row costs in US dollars.
        out: the directory that keeps every finished cell.
        workers: where cells run.
        choices, shields: what is to be tried.
        minutes: after which it ends; by default those of the depth. Cells have their limits of CPU time from these, or
            from the depth's if those are more. Only cells in worker processes can be ended.
    """

    subject: Subject
    depth: Depth
    out: Path
    workers: Workers
    price: float
    choices: Sequence[Choice] = attrs.field(default=attrs.Factory(lambda self: attacks(self.subject), takes_self=True))
    shields: Sequence[Shield] = attrs.field(
        default=attrs.Factory(lambda self: shields(self.subject, self.depth.defenses), takes_self=True)
    )
    minutes: float = attrs.field(default=attrs.Factory(lambda self: self.depth.most, takes_self=True))

    @property
    def applying(self) -> list[Choice]:
        """The attacks that apply."""
        return [choice for choice in self.choices if choice.reads is not None]

    def run(self, begin: Callable[[str, Run], object], tell: Callable[[str], None]) -> Outcome:
        """Run what is missing; ``begin`` is called with each matrix and its name, ``tell`` with sentences.

        Raises:
            MexError: if a model that costs money stops answering; what was paid for is kept.
            UsageError: for a model or data that cannot be measured.
        """
        subject, depth = self.subject, self.depth
        clock = Clock(60 * self.minutes, 60 * max(self.minutes, depth.most))
        under_way = UnderWay(subject, self.out, self.workers, self.price, clock, begin)
        raced = under_way.race(stages.race(subject, self.applying, depth), stages.race_rows(subject, depth))
        finished = {m.choice: m.group for m in raced if m.group.ran}
        ended = racing.finish(self.applying, finished, depth, clock.limit("judging", share_of_seed(depth.seeds)))
        stay = ended.stay
        tell(f"{len(stay)} of {len(self.applying)} attacks stay: {', '.join(f'{c.label} ({c.reads})' for c in stay)}")
        judged = under_way.measure(stages.judged(stay, depth), "judging")
        judged += under_way.measure(stages.judged(ended.slow, depth, "slow"), "judging")  # in what time is left
        stay = racing.best_first(stay, judged)
        defended = [
            measured
            for name, tier in stages.tiers(self.shields)
            for measured in under_way.measure(stages.defended(stay, ended.cheap, tier, depth, name), "defenses")
        ]
        if depth.hurried:
            took = {m.choice: racing.seconds(m.group) for m in judged if m.group.ran}
            stay = sorted(stay, key=lambda choice: took.get(choice, math.inf))
        judged += under_way.measure(stages.weaker(subject, stay, depth), "weaker thieves")
        given = subject, depth, self.price, self.choices, self.shields
        left, recipes = ended.left, under_way.recipes
        return Outcome(*given, ended.stay, ended.slow, raced, judged, defended, left, recipes, self.minutes)
