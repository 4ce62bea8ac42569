"""The summary of a report, in sentences."""

from __future__ import annotations

from collections.abc import Sequence, Sized

from mex.app.analysis.aggregate import Comparison
from mex.app.analysis.numbers import BELOW, digits, number, share, usd
from mex.app.analysis.statistics import Estimate
from mex.app.matrix.record import Record


def sentences(comparison: Comparison, level: float) -> list[str]:
    """Which attack wins against which defense, at what price, and what it costs honest users."""
    said = [_undefended(comparison, level)] if comparison.baseline else []
    return said + [
        _defended(comparison, defense, level) for defense in comparison.defenses if defense != comparison.baseline
    ]


def accuracy_of(comparison: Comparison) -> str:
    """How good the model is that is to be stolen; nothing where no cell ran."""
    right = comparison.median("target_accuracy")
    if right is None:
        return ""
    said = share(right.value, comparison.rows)
    if comparison.regression:
        return f"The model explains {said} of the variance of the held-out rows (R²); agreement is R² as well."
    return f"The model is right on {said} of the held-out rows."


def _undefended(comparison: Comparison, level: float) -> str:
    assert comparison.baseline is not None
    best = comparison.best(comparison.baseline, level)
    if best is None:
        return "No attack came to a result on the model without a defense."
    return f"Without a defense {_best_attack(comparison, best, comparison.baseline, level)}."


def _defended(comparison: Comparison, defense: str, level: float) -> str:
    best = comparison.best(defense, level)
    if best is None:
        return f"Against {defense} no attack came to a result."
    factor, lost = comparison.multiplier(defense, level), comparison.cost(defense, "accuracy_lost")
    said = f"Against {defense} {_best_attack(comparison, best, defense, level)}"
    at_least = comparison.more_than(defense, level)
    if factor and factor.finite:
        said += f", {factor.value:.1f} times as many as without it"
    elif factor and at_least:
        said += f" (more than {at_least:.1f} times as many queries as without it)"
    return f"{said}; {_cost(lost, comparison)}."


def _best_attack(comparison: Comparison, attack: str, defense: str, level: float) -> str:
    group = comparison.groups[attack, defense]
    needed, dollars = group.median(f"queries_to_{level}"), group.median(f"usd_to_{level}")
    agreement = group.median("agreement")
    assert needed
    assert dollars
    assert agreement
    reached, seeds = group.reached(level), len(group.ran)
    of_seeds = f" in {reached} of {seeds} seeds" if reached < seeds else ""
    if needed.finite:
        said = f"{attack} reaches an agreement of {level:g} in {number(needed.value)} queries ({usd(dollars.value)})"
        return said + of_seeds
    within = f"within {number(group.budget)} queries"
    if reached:
        fewest = f"{attack} does{of_seeds}, in {number(needed.low)} queries at best"
        return f"no attack here reaches {level:g} {within} in half of the seeds: {fewest}"
    below = f", less than a constant answer ({BELOW})" if group.below_constant else ""
    most = f"{attack} gets furthest, to {share(agreement.value, group.rows)}{below}"
    return f"no attack here reaches {level:g} {within}: {most}"


def _cost(lost: Estimate | None, comparison: Comparison) -> str:
    if lost is None:
        return "what honest users lose is not known, as the data has no labels"
    if lost.value == 0:
        return "honest users lose no accuracy"
    verb = "lose" if lost.value > 0 else "gain"
    places = digits(comparison.rows)
    if comparison.regression:
        return f"honest users {verb} {abs(lost.value):.{places}f} of R²"
    return f"honest users {verb} {100 * abs(lost.value):.{max(0, places - 2)}f} points of accuracy"


def counted(records: Sequence[Record]) -> str:
    """How many cells came to a result.

    >>> counted([{"status": "ok"}, {"status": "skipped"}])
    '1 of 2 cells came to a result.'
    """
    ran = sum(record["status"] == "ok" for record in records)
    return f"{ran:,} of {len(records):,} cells came to a result."


def overview(found: Sequence[Comparison]) -> str:
    """One sentence on what the page holds."""
    records = [record for comparison in found for record in comparison.records]
    attacks = {group.name for comparison in found for group in comparison.groups.values()}
    defenses = {defense for comparison in found for defense in comparison.defenses}
    kinds = list(dict.fromkeys(kind for comparison in found for kind in comparison.kinds))
    seeds = {record["seed"] for record in records}
    parts = [f"{_count(attacks, 'attack')} against {_count(defenses, 'defense')}", _count(found, "model and dataset")]
    parts += [f"answers: {', '.join(kinds)}"] * (len(kinds) > 1)
    return f"{'; '.join([*parts, _count(seeds, 'seed')])}."


def _count(things: Sized, name: str) -> str:
    n = len(things)
    plural = name.replace("model", "models").replace("dataset", "datasets") if " and " in name else f"{name}s"
    return f"{n} {name if n == 1 else plural}"
