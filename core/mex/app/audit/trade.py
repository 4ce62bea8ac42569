"""A defense as a bargain: what it buys, what it costs honest users, and what speaks against deploying it."""

from __future__ import annotations

import math
from typing import Any

import attrs

from mex.app.analysis.statistics import Estimate
from mex.app.audit.shields import Shield
from mex.app.audit.thieves import estimate
from mex.types import Answer

WORTH = 1.5
"""The least factor, at the pessimistic end, that makes a defense worth deploying."""
MOST = {"accuracy_lost": 0.01, "answer_shift": 0.05, "honest_refused": 0.01, "false_alarms": 0.05}
"""The most that a recommended defense may cost honest users."""
ALIKE = 1.5
"""Times as many rows as the model itself answers otherwise again that a defense may, and be no cause of it."""
NAMED = 3
"""Attacks that came to no result and that an objection names."""
NOT_KNOWN = "what it buys is not known"
COSTS = (*MOST, "answers_changed", "repeats_differ", "latency_added")


@attrs.frozen
class Sooner:
    """What a lower agreement takes than the one at which a defense is told.

    Attributes:
        level: that agreement.
        queries: of the attack that gets there with the fewest, in the median.
        factor: how many times as many as without the defense.
    """

    level: float
    queries: float
    factor: float


@attrs.frozen(eq=False)
class Trade:
    """What a defense buys and costs where one kind of answer was shown without it.

    Attributes:
        shield: the defense.
        shown: that kind.
        level: the agreement at which it is told; None where no attack got to any without a defense.
        factor: how many times more queries the best attack takes; None if that cannot be told.
        at_least: what an infinite end of the factor is more than: the budget over the queries without a defense.
        best: the attack that set it; None if none got there.
        queries: how many that attack takes, in the median; None if none got there.
        reached: how far the copies of the attack that agrees most do, in the median; None if none came to a result.
        sooner: what a lower agreement takes, if any attack on it got that far.
        tried: how many attacks met it, those that read answers which it leaves alone among them.
        costs: the medians of what honest users notice.
        withheld: the kinds of answer that it takes away.
        missing: the attacks on it that came to no result in some seed, as they failed or their time was over, those
            made for the model's class that were not judged at all, and the fastest without it if that did not meet it.
        objection: why it is not to be deployed; or "".
    """

    shield: Shield
    shown: Answer
    level: float | None
    factor: Estimate | None
    at_least: float | None
    best: str | None
    queries: float | None
    reached: float | None
    sooner: Sooner | None
    tried: int
    costs: dict[str, float | None]
    withheld: tuple[Answer, ...]
    missing: tuple[str, ...]
    objection: str

    @property
    def pessimistic(self) -> float:
        """The least that the defense buys by what was measured; 1 if that cannot be told."""
        if self.factor is None:
            return 1.0
        return self.factor.low if math.isfinite(self.factor.low) else self.at_least or 1.0

    def row(self) -> dict[str, Any]:
        """The defense as JSON has it."""
        spec = self.shield.spec
        return {
            "defense": spec.name,
            "setting": str(spec),
            "shown": self.shown,
            "level": self.level,
            "factor": estimate(self.factor),
            "at_least": self.at_least,
            "pessimistic": self.pessimistic,
            "best_attack": self.best,
            "queries": self.queries,
            "reached": self.reached,
            "sooner": None if self.sooner is None else attrs.asdict(self.sooner),
            "attacks": self.tried,
            "costs": self.costs,
            "withheld": list(self.withheld),
            "missing": list(self.missing),
            "objection": self.objection,
        }


def objection(trade: Trade, varies: float = 0.0) -> str:
    """Why a defense is not to be deployed: what is known to break it, what was measured, what it costs; or "".

    Of the rows a share ``varies`` is answered otherwise again by the model itself.
    """
    effect = trade.shield.effect
    if effect and effect.watches:
        return "it watches one client: a thief with several accounts meets it in none of them"
    if (effect and effect.fresh) or (trade.costs["repeats_differ"] or 0) > ALIKE * varies:
        return "it answers a row otherwise when asked again: repeating and averaging undoes it (Proposition 1)"
    if trade.factor is None:
        far = "no attack got anywhere without it" if trade.level is None else "no attack came to a result against it"
        return f"what it buys cannot be told: {far}"
    if trade.pessimistic < WORTH:
        how = f", by {trade.best}" if trade.best else ""
        return f"it buys a factor of {trade.pessimistic:.2g} at the pessimistic end{how}"
    if trade.missing:
        names = ", ".join(trade.missing[:NAMED]) + (" and others" if len(trade.missing) > NAMED else "")
        return f"{NOT_KNOWN}, as these came to no result in some seed: {names}"
    changed, reached = trade.costs["answers_changed"] or 0.0, trade.reached
    only_labels = trade.shown == "label" or trade.shown in trade.withheld
    if only_labels and reached is not None and changed > 1 - reached:
        return (
            f"honest users pay too much: {100 * changed:.1f} % of the labels that they get are not the model's, and of "
            f"those of a thief's copy {100 * (1 - reached):.1f} %"
        )
    for field, most in MOST.items():
        if (trade.costs[field] or 0) > most:
            return f"honest users pay too much: {field.replace('_', ' ')} {trade.costs[field]:.3f}, above {most:g}"
    return ""
