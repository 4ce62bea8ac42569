"""The summary of a report, in sentences."""

from __future__ import annotations

from collections.abc import Sequence, Sized

from mex.app.analysis.aggregate import Comparison
from mex.app.analysis.crosstab import number
from mex.app.analysis.statistics import Estimate


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
    if comparison.regression:
        return (
            f"The model explains {right.value:.3f} of the variance of the held-out rows (R²); agreement is R² as well."
        )
    return f"The model is right on {right.value:.3f} of the held-out rows."


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
    times, lost = comparison.multiplier(defense, level), comparison.cost(defense, "accuracy_lost")
    said = f"Against {defense} {_best_attack(comparison, best, defense, level)}"
    if times and times.finite:
        said += f", {times.value:.1f} times as many as without it"
    return f"{said}; {_cost(lost, comparison.regression)}."


def _best_attack(comparison: Comparison, attack: str, defense: str, level: float) -> str:
    group = comparison.groups[attack, defense]
    queries, dollars = group.median(f"queries_to_{level}"), group.median(f"usd_to_{level}")
    if queries and queries.finite and dollars:
        return f"{attack} reaches an agreement of {level:g} in {number(queries.value)} queries ({usd(dollars.value)})"
    agreement, spent = group.median("agreement"), group.median("queries")
    assert agreement
    assert spent
    return f"no attack reaches {level:g}: {attack} gets to {agreement.value:.3f} in {number(spent.value)} queries"


def _cost(lost: Estimate | None, regression: bool) -> str:
    if lost is None:
        return "what honest users lose is not known, as the data has no labels"
    if abs(lost.value) < 0.0005:
        return "honest users lose no accuracy"
    verb = "lose" if lost.value > 0 else "gain"
    if regression:
        return f"honest users {verb} {abs(lost.value):.3f} of R²"
    return f"honest users {verb} {100 * abs(lost.value):.1f} points of accuracy"


def usd(value: float) -> str:
    """A price.

    >>> usd(0.0187), usd(12.5)
    ('$0.0187', '$12.50')
    """
    return f"${value:.4f}" if value < 1 else f"${value:,.2f}"


def overview(found: Sequence[Comparison]) -> str:
    """One sentence on what the page holds."""
    records = [record for comparison in found for record in comparison.records]
    attacks = {attack for comparison in found for attack in comparison.attacks}
    defenses = {defense for comparison in found for defense in comparison.defenses}
    seeds = {record["seed"] for record in records}
    parts = [f"{_count(attacks, 'attack')} × {_count(defenses, 'defense')}", _count(found, "model and dataset")]
    return f"{len(records):,} cells: {', '.join(parts)}, {_count(seeds, 'seed')}."


def _count(things: Sized, name: str) -> str:
    n = len(things)
    plural = name.replace("model", "models").replace("dataset", "datasets") if " and " in name else f"{name}s"
    return f"{n} {name if n == 1 else plural}"
