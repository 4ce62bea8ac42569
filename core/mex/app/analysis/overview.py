"""What each defense is worth on each model, a line for each: the answer of a whole matrix at a glance."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from mex.app.analysis.aggregate import LEVEL, Comparison
from mex.app.analysis.numbers import NEVER, accuracy_change, count, interval, number, times
from mex.app.analysis.statistics import Estimate

HEADER = ("model", "defense", "best attack", "queries", "times as many", "honest users")


@attrs.frozen
class Worth:
    """What the best attack needs against one defense of one model, and what the defense costs honest users.

    Attributes:
        comparison: of the model.
        defense: what the plan calls it.
        attack: the one with the fewest queries to the level, or with the highest agreement where none gets there; None
            where none came to a result.
        queries: its queries to the level; infinite if it does not get there in half of the seeds, None if getting there
            is no theft (:meth:`.Comparison.tells`).
        agreement: its agreement in the end.
        budget: how many queries it had.
        factor: how many times more queries than the best attack without a defense needs.
        more_than: what an infinite ``factor`` is more than.
        lost: the accuracy that honest users lose.
    """

    comparison: Comparison = attrs.field(repr=False)
    defense: str
    attack: str | None = None
    queries: Estimate | None = None
    agreement: Estimate | None = None
    budget: int = 0
    factor: Estimate | None = None
    more_than: float | None = None
    lost: Estimate | None = None

    @property
    def stolen(self) -> bool:
        """Whether an attack gets there, in the median over seeds."""
        return self.queries is not None and self.queries.finite

    @property
    def texts(self) -> list[str]:
        """The same for people, under :data:`HEADER`."""
        rows = self.comparison.rows
        if self.attack is None:
            return [self.comparison.title, self.defense, NEVER, "no result", "", ""]
        within = "no theft" if self.queries is None else f"not in {number(self.budget)}"
        got_to = f"{within}: {interval(self.agreement, rows)}"
        times_as_many = "" if self.defense == self.comparison.baseline else times(self.factor, self.more_than)
        lost = NEVER if self.lost is None else accuracy_change(self.lost.value, rows)
        queries = count(self.queries) if self.stolen else got_to
        return [self.comparison.title, self.defense, self.attack, queries, times_as_many, lost]


def worth(comparison: Comparison, defense: str, level: float = LEVEL) -> Worth:
    """What a defense is worth against the best of the attacks that met it."""
    attack = comparison.best(defense, level)
    if attack is None:
        return Worth(comparison, defense)
    group = comparison.groups[attack, defense]
    return Worth(
        comparison,
        defense,
        attack,
        queries=group.median(f"queries_to_{level}") if comparison.tells(level) else None,
        agreement=group.median("agreement"),
        budget=group.budget,
        factor=comparison.multiplier(defense, level),
        more_than=comparison.more_than(defense, level),
        lost=comparison.cost(defense, "accuracy_lost"),
    )


def overview(found: Sequence[Comparison], level: float = LEVEL) -> list[Worth]:
    """What each defense is worth on each model, in the order of the plan."""
    return [worth(comparison, defense, level) for comparison in found for defense in comparison.defenses]


def legend(level: float = LEVEL) -> list[str]:
    """What the columns of an overview say."""
    return [
        f"queries: until the copy agrees with the model on a share of {level:g} of held-out rows, by the attack that "
        "needs fewest of those that ran: others may need fewer. 'not in N' gives the agreement after N; 'no theft' "
        "says that one constant answer gets there.",
        "times as many: as the best attack needs without the defense. honest users: what the defense does to the "
        "accuracy of the answers they get, in points.",
    ]
