"""Running an audit: stage by stage as matrices in one directory, so that a second run goes on where one was ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import attrs

from mex.app.analysis.group import Group
from mex.app.audit import racing, stages
from mex.app.audit.choosing import Choice, attacks
from mex.app.audit.depth import Depth
from mex.app.audit.shields import Shield, shields
from mex.app.audit.stages import Stage
from mex.app.audit.subject import Subject
from mex.app.matrix.engine import Workers
from mex.app.matrix.record import Record
from mex.app.matrix.run import Run
from mex.errors import MexError


@attrs.frozen(eq=False)
class Measured:
    """The cells of one attack on the model, perhaps behind a defense, over seeds.

    Attributes:
        choice: the attack.
        shield: the defense, None for the model as it stands.
        group: its records.
    """

    choice: Choice
    shield: Shield | None
    group: Group


@attrs.frozen(eq=False)
class Outcome:
    """What an audit measured.

    Attributes:
        subject, depth, price: what was asked for.
        choices, shields: all that was considered.
        stay: the attacks that stayed in the race, best first.
        raced, judged, defended: what each stage came to.
        left: sentences on the attacks that left the race.
        recipes: for each stage the text of the file that repeats it.
    """

    subject: Subject
    depth: Depth
    price: float
    choices: Sequence[Choice]
    shields: Sequence[Shield]
    stay: Sequence[Choice]
    raced: Sequence[Measured]
    judged: Sequence[Measured]
    defended: Sequence[Measured]
    left: Sequence[str]
    recipes: dict[str, str]

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
        recipes: dict[str, str] = {}

        def measured(todo: Sequence[Stage]) -> list[Measured]:
            return [found for stage in todo for found in self._measure(stage, begin, recipes)]

        raced = measured(stages.race(self.subject, self.applying, self.depth))
        finished = {m.choice: m.group.ran[0] for m in raced if m.group.ran}
        stay, left = racing.stayers(self.applying, finished, self.depth)
        tell(f"{len(stay)} of {len(self.applying)} attacks stay: {', '.join(f'{c.label} ({c.reads})' for c in stay)}")
        judged = measured(stages.judged(self.subject, stay, self.depth))
        defended = measured(stages.defended(stay, self.shields, self.depth))
        given = self.subject, self.depth, self.price, self.choices, self.shields
        return Outcome(*given, stay, raced, judged, defended, left, recipes)

    def _measure(
        self, stage: Stage, begin: Callable[[str, Run], object], recipes: dict[str, str]
    ) -> Iterator[Measured]:
        """Run a stage; one :class:`Measured` for each pair of an attack and a defense."""
        limit = None if self.workers.jobs is None or self.workers.backend == "dask" else stage.time_limit
        recipe = f"{stage.name}.toml"
        run = Run(
            stage.tables(self.subject, self.price),
            self.subject.registry,
            workers=attrs.evolve(self.workers, time_limit=limit),
            out=self.out,
            ledger=self.subject.costs_money,
            retry_failed=self.subject.costs_money,
            recipe=recipe,
        )
        recipes[recipe] = (self.out / recipe).read_text(encoding="utf-8")
        begin(stage.name, run)
        found: dict[tuple[str, str], Group] = {}
        for record in run:
            self._check(record)
            attack, defense = run.plan.label("attack", record), run.plan.label("defense", record)
            assert attack is not None
            assert defense is not None
            found.setdefault((attack, defense), Group(attack, defense)).records.append(record)
        for (attack, defense), group in found.items():
            choice = stage.choices.get(attack) or Choice(run.plan.attacks[attack], attack, stage.kind)
            yield Measured(choice, stage.shields.get(defense), group)

    def _check(self, record: Record) -> None:
        """End the audit of a model that costs money where it has stopped answering."""
        if self.subject.costs_money and record["status"] == "failed":
            raise MexError(
                f"{record['attack']} failed: {record['reason']}; the audit ends here; all that was paid for is kept "
                f"in {self.out}: the same command goes on"
            )
