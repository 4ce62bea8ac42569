"""The attacks that know a defense, which a plan adds by itself: what a defense is worth, it is worth against them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from mex.params import fields
from mex.registry import Registry
from mex.registry.spec import Spec

if TYPE_CHECKING:
    from mex.app.matrix.plan import Plan


def counters_of(defense: Spec, registry: Registry) -> dict[str, Spec]:
    """The attacks that know ``defense`` or one of those nested in it, resolved: :attr:`mex.Component.counters`.

    Args:
        defense: a resolved spec.
        registry: the components; attacks that are not installed are left out.

    Raises:
        UsageError: for a bad parameter.
    """
    installed = {p.component.name for p in registry.provided("attack")}
    found = {}
    for layer in defense.layers:
        told = {"use": layer.name, **layer.params}
        for text in (text for p in registry.provided() for name, text in p.component.counters if name == layer.name):
            attack = Spec.parse(text)
            if attack.name in installed:
                takes = fields(registry.load("attack", attack.name))
                blank = {f.name for f in takes if f.metadata.get("component") == "defense"} - attack.params.keys()
                spec = registry.resolve("attack", Spec(attack.name, {**attack.params, **dict.fromkeys(blank, told)}))
                found[f"{attack} of {layer.name}" if blank else str(attack)] = spec
    return found


def with_counters(plan: Plan, registry: Registry) -> Plan:
    """A resolved plan with the attacks that know its defenses, but for those that it has already."""
    attacks, added = dict(plan.attacks), dict[str, tuple[str, ...]]()
    labels = {spec: label for label, spec in plan.attacks.items()}
    for name, defense in plan.defenses.items():
        for label, spec in counters_of(defense, registry).items():
            if spec not in labels:
                labels[spec] = _free(label, attacks)
                attacks[labels[spec]] = spec
                added[labels[spec]] = ()
            if labels[spec] in added:
                added[labels[spec]] += (name,)
    return attrs.evolve(plan, attacks=attacks, added=added)


def sentences(plan: Plan) -> list[str]:
    """What a plan added, and why."""
    return [f"added {label}, as it counters {' and '.join(names)}" for label, names in plan.added.items()]


def _free(label: str, taken: dict[str, Spec]) -> str:
    """``label``, numbered if it is taken."""
    numbered = (label if i == 1 else f"{label} ({i})" for i in range(1, len(taken) + 2))
    return next(text for text in numbered if text not in taken)
