"""The records of a matrix put together: seeds into medians, attacks and defenses into a table for each scene."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import attrs
import numpy as np

from mex.app.analysis.naming import KINDS, SETTINGS, Record, labels, settings_apart
from mex.app.analysis.statistics import Estimate, median, multiplier, queries_to, upper_median
from mex.app.matrix.plan import Plan

LEVEL = 0.99
"""The agreement at which the best attack and a defense's multiplier are told, unless another is asked for."""


@attrs.define(slots=False)
class Group:
    """The cells of one attack on one defended model and dataset, over seeds.

    Attributes:
        attack, defense: what the plan calls them.
        records: one per seed.
    """

    attack: str
    defense: str
    records: list[Record] = attrs.field(factory=list, repr=False)

    @cached_property
    def ran(self) -> list[Record]:
        """Those that came to a result."""
        return [record for record in self.records if record["status"] == "ok"]

    @property
    def status(self) -> str:
        """``ok`` if any cell ran, else why none did: ``failed`` or ``skipped``."""
        return "ok" if self.ran else str(self.records[0]["status"])

    def median(self, field: str) -> Estimate | None:
        """The median of a field of the records; of ``queries_to_0.99`` and ``usd_to_0.99`` with any level as well."""
        return median([value_of(record, field) for record in self.ran])

    def middle(self, field: str) -> float:
        """The same median without its interval; the group has a cell that ran."""
        return float(upper_median(np.array([value_of(record, field) for record in self.ran], dtype=float)))


def value_of(record: Record, field: str) -> float | None:
    """A number of a record: one of its fields, or the queries or dollars to a level of agreement.

    >>> value_of({"price_per_query": 0.01, "curve": [{"queries": 8, "agreement": 1.0}]}, "usd_to_0.99")
    0.08
    """
    what, to, level = field.partition("_to_")
    if not to:
        return record.get(field)
    queries = queries_to(record, float(level))
    return queries * record["price_per_query"] if what == "usd" else queries


@attrs.define(slots=False)
class Scene:
    """The groups of one model and dataset: attacks down, defenses across."""

    model: str
    dataset: str
    groups: dict[tuple[str, str], Group] = attrs.field(factory=dict, repr=False)

    @property
    def attacks(self) -> list[str]:
        """In the order of the plan."""
        return list(dict.fromkeys(attack for attack, _ in self.groups))

    @property
    def defenses(self) -> list[str]:
        """In the order of the plan."""
        return list(dict.fromkeys(defense for _, defense in self.groups))

    @property
    def regression(self) -> bool:
        """Whether the model answers with values, so that agreement and accuracy are R^2."""
        ran = [record for group in self.groups.values() for record in group.ran]
        return bool(ran) and all(record.get("uniform_majority") is None for record in ran)

    @property
    def baseline(self) -> str | None:
        """The defense that is none, if it is in the matrix."""
        return next((d for (_, d), group in self.groups.items() if group.records[0]["defense"] == "none"), None)

    def against(self, defense: str) -> list[Group]:
        """The groups against one defense that came to a result."""
        return [group for (_, d), group in self.groups.items() if d == defense and group.ran]

    def best(self, defense: str, level: float = LEVEL) -> str | None:
        """The attack that needs the fewest queries to ``level``, or, if none gets there, agrees most."""

        def rank(group: Group) -> tuple[float, float]:
            return group.middle(f"queries_to_{level}"), -group.middle("agreement")

        return min(self.against(defense), key=rank).attack if self.against(defense) else None

    def multiplier(self, defense: str, level: float = LEVEL) -> Estimate | None:
        """How many times more queries the best attack needs than without a defense; see :func:`multiplier`."""
        if self.baseline is None:
            return None
        sides = [
            [{r["seed"]: queries_to(r, level) for r in group.ran} for group in self.against(side)]
            for side in (defense, self.baseline)
        ]
        theirs, ours = (set().union(*side) for side in sides)
        seeds = sorted(theirs & ours)
        return multiplier(*([[queries.get(s, math.nan) for s in seeds] for queries in side] for side in sides))

    def cost(self, defense: str, field: str) -> Estimate | None:
        """A field that depends on the defense and not on the attack, once for each seed."""
        by_seed = {record["seed"]: record[field] for group in self.against(defense) for record in group.ran}
        return median(list(by_seed.values()))


NAMED = (*KINDS, *(f"{kind}_params" for kind in KINDS), "seed", "status", "reason", *SETTINGS)
SCORED = ("agreement", "queries", "features", "rho", "price_per_query", "target_accuracy", "accuracy_lost", "curve")


def whole(record: Record) -> bool:
    """Whether a record has what a summary needs: one by hand, or of an older mex, may not."""
    return all(name in record for name in NAMED) and (
        record["status"] != "ok" or (all(name in record for name in SCORED) and _drawable(record["curve"]))
    )


def _drawable(curve: Any) -> bool:
    points = curve if isinstance(curve, list) else []
    return bool(points) and all(
        isinstance(point, dict) and {"queries", "agreement"} <= point.keys() for point in points
    )


def scenes(records: Sequence[Record], plan: Plan | None = None) -> list[Scene]:
    """Group records by model and dataset, and in these by attack and defense, in the order they come.

    Labels are those of ``plan``; where there is none, names, with the parameters that tell them apart. The
    records of several plans in one directory stay apart by what they differ in, such as their budgets.
    """
    name, apart = labels(records), settings_apart(records)
    found: dict[tuple[str, str], Scene] = {}
    for record in records:
        model, dataset, attack, defense = ((plan and plan.label(kind, record)) or name(kind, record) for kind in KINDS)
        if apart:
            dataset += f" ({', '.join(f'{field} {record.get(field)}'.replace('_', ' ') for field in apart)})"
        scene = found.setdefault((model, dataset), Scene(model, dataset))
        scene.groups.setdefault((attack, defense), Group(attack, defense)).records.append(record)
    for scene in found.values():
        if plan:  # results on disk are in the order they finished
            order = list(plan.attacks), list(plan.defenses)
            scene.groups = dict(sorted(scene.groups.items(), key=lambda item: _places(order, item[0])))
    return list(found.values())


def _places(order: tuple[list[str], list[str]], pair: tuple[str, str]) -> list[int]:
    """Where a pair stands in the plan; what the plan does not know comes last."""
    return [axis.index(name) if name in axis else len(axis) for axis, name in zip(order, pair, strict=True)]
