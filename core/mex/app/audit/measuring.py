"""The cells of an audit, measured stage by stage within its time plan."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import attrs

from mex.app.analysis.group import Group
from mex.app.analysis.statistics import LEVELS, queries_to
from mex.app.audit.choosing import Choice
from mex.app.audit.clock import FIRST_TRY, LONG, LONGEST, Clock, share_of, share_of_seed
from mex.app.audit.shields import Shield
from mex.app.audit.stages import Stage
from mex.app.audit.subject import Subject
from mex.app.matrix.backends import Workers
from mex.app.matrix.record import Record
from mex.app.matrix.run import Run
from mex.app.matrix.scenarios import set_scene
from mex.app.matrix.worker import is_late
from mex.errors import MexError
from mex.types import Answer


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

    @property
    def late(self) -> int:
        """How many of its cells were ended, or not begun, as their time was over."""
        return sum(is_late(record["reason"]) for record in self.group.records)

    @property
    def asked(self) -> int:
        """How many rows it had asked in the cell that had asked fewest; 0 if none came to a result."""
        return min((record["queries"] or 0 for record in self.group.ran), default=0)

    @property
    def open(self) -> bool:
        """Whether with more time it might have got further: a cell ended before the highest level was reached."""
        late = [record for record in self.group.records if is_late(record["reason"])]
        return any(math.isinf(queries_to(record["curve"] or [], LEVELS[-1])) for record in late)


def further(first: Sequence[Measured], second: Sequence[Measured]) -> list[Measured]:
    """What two heats came to: of what ran in both the one in which it asked more."""
    best: dict[tuple[str, Answer | None], Measured] = {}
    for measured in (*first, *second):
        key = measured.choice.label, measured.choice.reads
        if key not in best or measured.asked >= best[key].asked:
            best[key] = measured
    return list(best.values())


@attrs.frozen(eq=False)
class UnderWay:
    """An audit that runs.

    Attributes:
        subject, out, workers, price: as :class:`mex.app.audit.running.Audit` has them.
        clock: its time plan.
        begin: called with each matrix and its name.
        recipes: for each stage that ran the text of the file that repeats it.
    """

    subject: Subject
    out: Path
    workers: Workers
    price: float
    clock: Clock
    begin: Callable[[str, Run], object]
    recipes: dict[str, str] = attrs.field(factory=dict)

    def race(self, todo: Sequence[Stage], rows: int) -> list[Measured]:
        """Two heats: every attack for a short time, then those that were not done in it for as long as there is.

        What asks as much as when it is judged has longer at once, and if that was not enough for ``rows`` asks these
        then. Of what was ended in both the heat counts in which it asked more.
        """
        first = self._each(todo, "race", FIRST_TRY)
        again = []
        for stage in todo:
            enough = rows if stage.long else math.inf
            late = {m.choice.label: m.choice for m in first[stage.name] if m.late and m.asked < enough}
            if late and stage.long:
                again.append(attrs.evolve(stage, name=f"short-{stage.name}", choices=late, budget=rows, long=False))
            elif late:
                again.append(stage)
        second = self._each(again, "race", LONGEST)
        return further(*([m for found in heat.values() for m in found] for heat in (first, second)))

    def measure(self, todo: Sequence[Stage], part: str) -> list[Measured]:
        """Run the stages of a part of the plan; what its time does not allow is late."""
        share = share_of_seed(max((len(stage.seeds) for stage in todo), default=1))
        return [measured for found in self._each(todo, part, share).values() for measured in found]

    def _each(self, todo: Sequence[Stage], part: str, longest: float) -> dict[str, list[Measured]]:
        """By name what each stage came to, the smallest first: what it leaves of its share the others have."""
        found = {}
        ordered = sorted(todo, key=lambda stage: stage.rows)
        for i, stage in enumerate(ordered):
            share = max(1 / (len(ordered) - i), stage.rows / sum(later.rows for later in ordered[i:]))
            workers = attrs.evolve(self.workers, until=share_of(self.clock.until(part), share))
            if workers.jobs is not None and workers.backend != "dask":
                most = self.clock.limit(part, LONG if stage.long else longest)
                waits = self.subject.costs_money  # for a server, which takes no CPU time
                workers = attrs.evolve(workers, time_limit=most if waits else None, cpu_limit=None if waits else most)
            found[stage.name] = list(self._stage(stage, workers))
        return found

    def _stage(self, stage: Stage, workers: Workers) -> Iterator[Measured]:
        """Run a stage; one :class:`Measured` for each pair of an attack and a defense."""
        if workers.fork and not self.subject.costs_money:  # made once here, copies of this process have them
            for seed in stage.seeds:
                set_scene(self.subject.registry, self.subject.model, self.subject.dataset, seed)
        recipe = f"{stage.name}.toml"
        run = Run(
            stage.tables(self.subject, self.price),
            self.subject.registry,
            workers=workers,
            out=self.out,
            ledger=self.subject.costs_money,
            retry_failed=True,
            recipe=recipe,
        )
        self.recipes[recipe] = (self.out / recipe).read_text(encoding="utf-8")
        self.begin(stage.name, run)
        found: dict[tuple[str, str], Group] = {}
        for record in run:
            self._check(record)
            if record["stopped"] == "time" and not stage.shields:  # what it has until then is a theft as well
                record = {**record, "status": "ok"}
            attack, defense = run.plan.label("attack", record), run.plan.label("defense", record)
            assert attack is not None
            assert defense is not None
            found.setdefault((attack, defense), Group(attack, defense)).records.append(record)
        for (attack, defense), group in found.items():
            choice = stage.choices.get(attack) or Choice(run.plan.attacks[attack], attack, stage.kind)
            yield Measured(choice, stage.shields.get(defense), group)

    def _check(self, record: Record) -> None:
        """End the audit of a model that costs money where it has stopped answering."""
        if self.subject.costs_money and record["status"] == "failed" and not is_late(record["reason"]):
            raise MexError(
                f"{record['attack']} failed: {record['reason']}; the audit ends here; all that was paid for is kept "
                f"in {self.out}: the same command goes on"
            )
