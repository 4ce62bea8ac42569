"""What each defense buys against the best attacker who knows it, what it costs honest users, which to deploy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import attrs

from mex.app.analysis.aggregate import LEVEL
from mex.app.analysis.statistics import LEVELS, best_attack_ratio, median, queries_to
from mex.app.audit.measuring import Measured
from mex.app.audit.running import Outcome
from mex.app.audit.shields import Shield
from mex.app.audit.stages import meets
from mex.app.audit.thieves import readable, strongest
from mex.app.audit.trade import COSTS, Sooner, Trade, objection
from mex.types import Answer


def usual(outcome: Outcome) -> Answer:
    """The kind of answer at which defenses are compared: the richest that an interface shows its clients by custom."""
    kinds = outcome.subject.kinds
    return "proba" if "proba" in kinds else kinds[0]


def told_at(outcome: Outcome, shown: Answer) -> float | None:
    """The agreement at which defenses are told: the usual 0.99 if the best attack gets there, else the next lower.

    Where one constant answer gets to 0.99, the lowest level that tells a theft; None if no attack gets to any.
    """
    usual_first = [level for level in (LEVEL, LEVELS[0]) if level in outcome.levels] or outcome.levels[:1]
    found = ((level, strongest(outcome, shown).best(level)) for level in usual_first)
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
    judged = (m.choice for m in outcome.judged if m.group.ran)
    covered = {c.reads for c in judged if c.made_for and c.rows and c.family}
    spared = {c for c in outcome.rushed if c.reads in covered}
    unjudged = (c for c in outcome.unjudged if c not in spared)
    missing += tuple(c.label for c in unjudged if (c.made_for or c.baseline) and c.reads in readers)
    everyone = strongest(outcome, shown).attacks  # also those who use less than they know: they meet no defense
    knowing = [m for m in everyone if m.choice.rows and m.choice.family]
    untouched = [
        m for m in everyone if m.choice.reads and m.choice.reads != shown and not meets(shield, m.choice.reads)
    ]
    if shield.effect is not None:
        untouched = [m for m in untouched if m.choice.reads in shield.effect.answers]
    against = [*(m for m in met if m.choice.reads in readable(shown)), *untouched]
    bare, absent = _compared(knowing, against, readers, level)
    bare += [m for m in untouched if m not in bare]  # they are on both sides
    missing += absent
    factor = at_least = best = queries = sooner = None
    if level is not None and against:
        seeds = range(outcome.depth.seeds)
        factor = best_attack_ratio(_queries(against, level, seeds), _queries(bare, level, seeds))
        fastest = strongest(outcome, shown).best(level)
        at_least = outcome.depth.budget / fastest[1].high if fastest and math.isfinite(fastest[1].high) else None
        name, least = _fastest(against, level)
        best, queries = (name, least) if math.isfinite(least) else (None, None)
        sooner = _sooner(outcome, against, bare, level)
    costs = {field: _cost(met, shown, field) for field in COSTS}
    effect = shield.effect
    if effect and effect.labels_kept and costs["accuracy_lost"] is None:  # nobody who meets it was measured
        costs["accuracy_lost"] = 0.0
    withheld = () if effect is None else tuple(k for k in outcome.subject.kinds if k not in effect.answers)
    agreements = [e.value for m in against if (e := m.group.median("agreement")) is not None]
    bought = level, factor, at_least, best, queries, max(agreements, default=None), sooner
    trade = Trade(shield, shown, *bought, len(against), costs, withheld, missing, "")
    return attrs.evolve(trade, objection=objection(trade, outcome.varies.get(shown, 0.0)))


def _sooner(outcome: Outcome, against: Sequence[Measured], bare: Sequence[Measured], level: float) -> Sooner | None:
    """The highest agreement below ``level`` that some attack gets to behind a defense, and what it takes there."""
    seeds = range(outcome.depth.seeds)
    for lower in reversed([one for one in outcome.levels if one < level]):
        least = _fastest(against, lower)[1]
        factor = best_attack_ratio(_queries(against, lower, seeds), _queries(bare, lower, seeds))
        if math.isfinite(least) and factor is not None and factor.finite:
            return Sooner(lower, least, factor.value)
    return None


def _compared(
    knowing: Sequence[Measured], against: Sequence[Measured], readers: Sequence[Answer], level: float | None
) -> tuple[list[Measured], tuple[str, ...]]:
    """The attacks without the defense with which those on it are compared, and those that should have met it.

    One that reads what the defense still shows and did not meet it is on neither side: it would seem stopped. If it is
    the fastest without the defense, what the defense buys is not known.
    """
    met = {(m.choice.label, m.choice.reads) for m in against}
    unmet = [m for m in knowing if m.choice.reads in readers and (m.choice.label, m.choice.reads) not in met]
    bare = [m for m in knowing if m not in unmet]
    if level is None:
        return bare, ()
    least = _fastest(bare, level)[1] if bare else math.inf
    faster = (m.choice.label for m in unmet if math.isfinite(found := _fastest([m], level)[1]) and found <= least)
    return bare, tuple(faster)


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
