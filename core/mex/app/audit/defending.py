"""What each defense buys against the best attacker who knows it, what it costs honest users, which to deploy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import attrs

from mex.app.analysis.aggregate import LEVEL
from mex.app.analysis.statistics import LEVELS, Estimate, best_attack_ratio, median, queries_to
from mex.app.audit.measuring import Measured
from mex.app.audit.running import Outcome
from mex.app.audit.shields import Shield
from mex.app.audit.stages import meets
from mex.app.audit.thieves import estimate, readable, strongest
from mex.types import Answer

WORTH = 1.5
"""The least factor, at the pessimistic end, that makes a defense worth deploying."""
MOST = {"accuracy_lost": 0.01, "answer_shift": 0.05, "honest_refused": 0.01, "false_alarms": 0.05}
"""The most that a recommended defense may cost honest users."""
NAMED = 3
"""Attacks that came to no result and that an objection names."""
COSTS = (*MOST, "answers_changed", "repeats_differ", "latency_added")


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
        tried: how many attacks met it, those that read answers which it leaves alone among them.
        costs: the medians of what honest users notice.
        withheld: the kinds of answer that it takes away.
        missing: the attacks on it that came to no result in some seed, as they failed or their time was over, and those
            made for the model's class that were not judged at all.
        objection: why it is not to be deployed; or "".
    """

    shield: Shield
    shown: Answer
    level: float | None
    factor: Estimate | None
    at_least: float | None
    best: str | None
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
            "attacks": self.tried,
            "costs": self.costs,
            "withheld": list(self.withheld),
            "missing": list(self.missing),
            "objection": self.objection,
        }


def usual(outcome: Outcome) -> Answer:
    """The kind of answer at which defenses are compared: the richest that an interface shows its clients by custom."""
    kinds = outcome.subject.kinds
    return "proba" if "proba" in kinds else kinds[0]


def told_at(outcome: Outcome, shown: Answer) -> float | None:
    """The agreement at which defenses are told: the usual 0.99 if the best attack gets there, else 0.95, else None."""
    found = ((level, strongest(outcome, shown).best(level)) for level in (LEVEL, LEVELS[0]))
    return next((level for level, best in found if best and best[1].finite), None)


def trades(outcome: Outcome) -> list[Trade]:
    """Every defense that was tried, the best bargain first; of two that buy as much, the one that shows less."""
    shown = usual(outcome)
    level = told_at(outcome, shown)
    found = [_trade(outcome, s, shown, level) for s in outcome.shields if not s.reason]
    return sorted(
        found, key=lambda t: (bool(t.objection), -t.pessimistic, -len(t.withheld), t.costs["answer_shift"] or 0.0)
    )


def recommended(found: Sequence[Trade]) -> Trade | None:
    """The defense to deploy; None where none is worth its cost."""
    return next((trade for trade in found if not trade.objection), None)


def _trade(outcome: Outcome, shield: Shield, shown: Answer, level: float | None) -> Trade:
    attacked = [m for m in outcome.defended if m.shield and m.shield.spec == shield.spec]
    met = [m for m in attacked if m.group.ran]
    readers = [kind for kind in readable(shown) if shield.effect is None or kind in shield.effect.answers]
    missing = tuple(
        m.choice.label
        for m in attacked
        if m.choice.reads in readers and any(record["status"] == "failed" for record in m.group.records)
    )
    missing += tuple(c.label for c in outcome.unjudged if (c.made_for or c.baseline) and c.reads in readers)
    everyone = strongest(outcome, shown).attacks  # also those who use less than they know: they meet no defense
    bare = [m for m in everyone if m.choice.rows and m.choice.family]
    untouched = [
        m for m in everyone if m.choice.reads and m.choice.reads != shown and not meets(shield, m.choice.reads)
    ]
    if shield.effect is not None:
        untouched = [m for m in untouched if m.choice.reads in shield.effect.answers]
    against = [*(m for m in met if m.choice.reads in readable(shown)), *untouched]
    factor = at_least = best = None
    if level is not None and against:
        seeds = range(outcome.depth.seeds)
        factor = best_attack_ratio(_queries(against, level, seeds), _queries(bare, level, seeds))
        fastest = strongest(outcome, shown).best(level)
        at_least = outcome.depth.budget / fastest[1].high if fastest and math.isfinite(fastest[1].high) else None
        name, least = _fastest(against, level)
        best = name if math.isfinite(least) else None
    costs = {field: _cost(met, shown, field) for field in COSTS}
    effect = shield.effect
    withheld = () if effect is None else tuple(k for k in outcome.subject.kinds if k not in effect.answers)
    trade = Trade(shield, shown, level, factor, at_least, best, len(against), costs, withheld, missing, "")
    return attrs.evolve(trade, objection=_objection(trade))


def _objection(trade: Trade) -> str:
    """Why a defense is not to be deployed: what is known to break it, what was measured, what it costs; or ""."""
    effect = trade.shield.effect
    if effect and effect.watches:
        return "it watches one client: a thief with several accounts meets it in none of them"
    if (effect and effect.fresh) or (trade.costs["repeats_differ"] or 0) > 0:
        return "it answers a row otherwise when asked again: repeating and averaging undoes it (Proposition 1)"
    if trade.factor is None:
        return "what it buys cannot be told: no attack got anywhere without it, or none ran against it"
    if trade.pessimistic < WORTH:
        how = f", by {trade.best}" if trade.best else ""
        return f"it buys a factor of {trade.pessimistic:.2g} at the pessimistic end{how}"
    if trade.missing:
        names = ", ".join(trade.missing[:NAMED]) + (" and others" if len(trade.missing) > NAMED else "")
        return f"what it buys is not known, as these came to no result: {names}"
    for field, most in MOST.items():
        if (trade.costs[field] or 0) > most:
            return f"honest users pay too much: {field.replace('_', ' ')} {trade.costs[field]:.3f}, above {most:g}"
    return ""


def _queries(measured: Sequence[Measured], level: float, seeds: Sequence[int]) -> list[list[float]]:
    """Queries to ``level``: for each attack (outer) and seed (inner), NaN where a cell did not run."""
    return [
        [
            next((queries_to(r["curve"] or [], level) for r in m.group.ran if r["seed"] == seed), math.nan)
            for seed in seeds
        ]
        for m in measured
    ]


def _fastest(measured: Sequence[Measured], level: float) -> tuple[str, float]:
    medians = [(m.choice.label, m.group.median(f"queries_to_{level}")) for m in measured]
    return min(((name, e.value) for name, e in medians if e is not None), key=lambda pair: pair[1])


def _cost(met: Sequence[Measured], shown: Answer, field: str) -> float | None:
    """The median over seeds of what honest users notice, where ``shown`` is still given, else of what is left."""
    groups = [m.group for m in met if m.choice.reads == shown] or [m.group for m in met]
    by_seed: dict[int, Any] = {r["seed"]: r[field] for g in groups for r in g.ran}  # type: ignore[literal-required]
    found = median(list(by_seed.values()))
    return None if found is None else found.value
