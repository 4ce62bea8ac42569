"""What the model is worth to each kind of thief: the best of the attacks that it could run, over seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from mex.answers import USUAL
from mex.app.analysis.statistics import LEVELS, Estimate
from mex.app.audit.measuring import Measured
from mex.app.audit.running import Outcome
from mex.types import Answer


def readable(shown: Answer) -> tuple[Answer, ...]:
    """The kinds of answer that a client reads who is shown one: the label or value beside it as well.

    >>> readable("proba"), readable("label")
    (('proba', 'label', 'value'), ('label',))
    """
    return (shown, *(() if shown in USUAL else USUAL))


@attrs.frozen(eq=False)
class Thief:
    """An attacker: what the interface shows, what is known beforehand, and the attacks that this allows.

    Attributes:
        shown: the kind of answer.
        rows, family: whether there are unlabeled rows, and whether the class of the model is known.
        attacks: what was measured of the attacks that need no more; all came to a result.
    """

    shown: Answer
    rows: bool
    family: bool
    attacks: Sequence[Measured]

    def best(self, level: float) -> tuple[Measured, Estimate] | None:
        """The attack with the fewest queries to ``level`` in the median, and its queries.

        The low end is the lowest of any attack: a verdict that counts on it holds whichever of them the thief chose.
        None where nothing ran.
        """
        found = [(m, e) for m in self.attacks if (e := m.group.median(f"queries_to_{level}")) is not None]
        if not found:
            return None
        measured, estimate = min(found, key=lambda pair: (pair[1].value, pair[1].low, -_agreement(pair[0])))
        return measured, attrs.evolve(estimate, low=min(e.low for _, e in found))

    def row(self, telling: Sequence[float]) -> dict[str, Any]:
        """The thief as JSON has it; a level that is not among ``telling`` is null, as getting there is no theft."""
        levels = {f"{level:g}": self._at(level) if level in telling else None for level in LEVELS}
        most = max(self.attacks, key=_agreement, default=None)
        agreement = most.group.median("agreement") if most else None
        return {
            "shown": self.shown,
            "rows": self.rows,
            "class_known": self.family,
            "attacks": len(self.attacks),
            "levels": levels,
            "class_agreement": self._by_class(),
            "most": None
            if most is None or agreement is None
            else {"attack": most.choice.label, "agreement": estimate(agreement), "held_out": most.group.rows},
        }

    def _by_class(self) -> float | None:
        """The most that any of them agrees, averaged over the classes, in the median."""
        found = (m.group.median("class_agreement") for m in self.attacks)
        return max((estimate.value for estimate in found if estimate), default=None)

    def _at(self, level: float) -> dict[str, Any] | None:
        best = self.best(level)
        if best is None:
            return None
        measured, queries = best
        price = measured.group.records[0]["price_per_query"]
        return {
            "attack": measured.choice.label,
            "reads": measured.choice.reads,
            "queries": estimate(queries),
            "usd": estimate(Estimate(*(end * price for end in (queries.value, queries.low, queries.high)))),
            "reached": measured.group.reached(level),
            "seeds": len(measured.group.ran),
        }


def thieves(outcome: Outcome) -> list[Thief]:
    """For each kind of answer the thief who knows everything, then those who know less.

    Of a kind beside labels, probabilities and values that no judged attack reads nothing is known.
    """
    read = {measured.choice.reads for measured in outcome.judged if measured.group.ran}
    return [
        _thief(outcome, shown, rows, family)
        for shown in outcome.subject.kinds
        if shown in (*USUAL, "proba", *read)
        for rows, family in ((True, True), (False, True), (True, False), (False, False))
    ]


def strongest(outcome: Outcome, shown: Answer) -> Thief:
    """The thief who knows all that there is to know, where that kind of answer is shown."""
    return _thief(outcome, shown, True, True)


def _thief(outcome: Outcome, shown: Answer, rows: bool, family: bool) -> Thief:
    ran = [measured for measured in outcome.judged if measured.group.ran]
    able = [m for m in ran if m.choice.reads in readable(shown) and _needs_no_more(m, rows, family)]
    return Thief(shown, rows, family, able)


def _needs_no_more(measured: Measured, rows: bool, family: bool) -> bool:
    return measured.choice.rows <= rows and measured.choice.family <= family


def _agreement(measured: Measured) -> float:
    found = measured.group.median("agreement")
    return -math.inf if found is None else found.value


def estimated(told: Mapping[str, float | None]) -> Estimate:
    """What :func:`estimate` wrote."""
    return Estimate(*(math.inf if (end := told[name]) is None else end for name in ("median", "low", "high")))


def estimate(given: Estimate | None) -> dict[str, float | None] | None:
    """A median and the ends of its interval as JSON has them: null is *never within the budget*."""
    if given is None:
        return None
    return {
        name: value if math.isfinite(value) else None
        for name, value in (("median", given.value), ("low", given.low), ("high", given.high))
    }
