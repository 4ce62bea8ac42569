"""The summary of a report, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from mex.app.analysis.aggregate import Group, Scene
from mex.app.analysis.crosstab import number
from mex.app.analysis.statistics import Estimate


def sentences(scene: Scene, level: float) -> list[str]:
    """Which attack wins against which defense, at what price, and what it costs honest users."""
    said = [_undefended(scene, level)] if scene.baseline else []
    return said + [_defended(scene, defense, level) for defense in scene.defenses if defense != scene.baseline]


def accuracy_of(scene: Scene) -> str:
    """How good the model is that is to be stolen; nothing where no cell ran."""
    right = Group("", "", [record for group in scene.groups.values() for record in group.ran]).median("target_accuracy")
    if right is None:
        return ""
    if scene.regression:
        return (
            f"The model explains {right.value:.3f} of the variance of the held-out rows (R²); agreement is R² as well."
        )
    return f"The model is right on {right.value:.3f} of the held-out rows."


def _undefended(scene: Scene, level: float) -> str:
    assert scene.baseline is not None
    best = scene.best(scene.baseline, level)
    if best is None:
        return "No attack came to a result on the model without a defense."
    return f"Without a defense {_feat(scene, best, scene.baseline, level)}."


def _defended(scene: Scene, defense: str, level: float) -> str:
    best = scene.best(defense, level)
    if best is None:
        return f"Against {defense} no attack came to a result."
    times, lost = scene.multiplier(defense, level), scene.cost(defense, "accuracy_lost")
    said = f"Against {defense} {_feat(scene, best, defense, level)}"
    if times and times.finite:
        said += f", {times.value:.1f} times as many as without it"
    return f"{said}; {_cost(lost, scene.regression)}."


def _feat(scene: Scene, attack: str, defense: str, level: float) -> str:
    group = scene.groups[attack, defense]
    queries, dollars = group.median(f"queries_to_{level}"), group.median(f"usd_to_{level}")
    if queries and queries.finite and dollars:
        return f"{attack} reaches an agreement of {level:g} in {number(queries.value)} queries ({usd(dollars.value)})"
    agreement, spent = group.median("agreement"), group.median("queries")
    assert agreement
    assert spent
    return f"no attack reaches {level:g}: {attack} gets to {agreement.value:.3f} in {number(spent.value)} queries"


def _cost(lost: Estimate | None, regression: bool) -> str:
    if lost is None or abs(lost.value) < 0.0005:
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


def outlook(found: Sequence[Scene]) -> str:
    """One sentence on what the page holds."""
    groups = [group for scene in found for group in scene.groups.values()]
    cells = sum(len(group.records) for group in groups)
    attacks, defenses = ({getattr(g, kind) for g in groups} for kind in ("attack", "defense"))
    seeds = {record["seed"] for group in groups for record in group.records}
    parts = [f"{_count(attacks, 'attack')} × {_count(defenses, 'defense')}", _count(found, "model and dataset")]
    return f"{cells:,} cells: {', '.join(parts)}, {_count(seeds, 'seed')}."


def _count(things: object, name: str) -> str:
    n = len(things)  # type: ignore[arg-type]
    plural = name.replace("model", "models").replace("dataset", "datasets") if " and " in name else f"{name}s"
    return f"{n} {name if n == 1 else plural}"
