"""The records of a matrix put together: seeds into medians, attacks and defenses into a comparison for each model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

import attrs

from mex.app.analysis.group import Group, value_of
from mex.app.analysis.naming import labels, parts_of, settings_apart
from mex.app.analysis.statistics import Estimate, best_attack_ratio, median, queries_to
from mex.app.matrix.plan import Plan
from mex.app.matrix.record import Record

LEVEL = 0.99
"""The agreement at which the best attack and a defense's multiplier are told, unless another is asked for."""


@attrs.define(slots=False)
class Comparison:
    """Attacks against defenses on one model and dataset: a group for each pair.

    Attributes:
        model, dataset: what the plan calls them.
        groups: by attack and defense, in the order of the plan.
        added: attacks that the plan added by itself, and the defenses that each counters.
    """

    model: str
    dataset: str
    groups: dict[tuple[str, str], Group] = attrs.field(factory=dict, repr=False)
    added: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict, repr=False)
    _multipliers: dict[tuple[str, float], Estimate | None] = attrs.field(factory=dict, init=False, repr=False, eq=False)

    @property
    def title(self) -> str:
        """The model and the dataset."""
        return f"{self.model} on {self.dataset}"

    @property
    def attacks(self) -> list[str]:
        """In the order of the plan, without those that cannot work on this model; all if none ran."""
        taken = {group.attack for group in self.groups.values() if group.status != "skipped"}
        return [attack for attack in dict.fromkeys(attack for attack, _ in self.groups) if attack in taken or not taken]

    @property
    def left_out(self) -> dict[str, str | None]:
        """The attacks that cannot work on this model, each with the reason, whatever answers they are shown."""
        taken = {group.name for group in self.groups.values() if group.attack in self.attacks}
        return {g.name: g.records[0]["reason"] for g in self.groups.values() if g.name not in taken}

    @property
    def kinds(self) -> list[str]:
        """The kinds of answers that attacks were shown, if there are several."""
        kinds = dict.fromkeys(group.answers for group in self.groups.values() if group.ran)
        return [kind for kind in kinds if kind] if any(g.attack != g.name for g in self.groups.values()) else []

    @property
    def defenses(self) -> list[str]:
        """In the order of the plan."""
        return list(dict.fromkeys(defense for _, defense in self.groups))

    @property
    def records(self) -> list[Record]:
        """Of every cell."""
        return [record for group in self.groups.values() for record in group.records]

    @property
    def ran(self) -> list[Record]:
        """Of the cells that came to a result."""
        return [record for group in self.groups.values() for record in group.ran]

    def median(self, field: str) -> Estimate | None:
        """The median over seeds of a number that depends neither on the attack nor on the defense."""
        return median(list({record["seed"]: value_of(record, field) for record in self.ran}.values()))

    @property
    def rows(self) -> int:
        """How many held-out rows measured, in the seed where they were fewest."""
        return min((group.rows for group in self.groups.values() if group.ran), default=1)

    @property
    def regression(self) -> bool:
        """Whether the model answers with values, so that agreement and accuracy are R^2."""
        return bool(self.ran) and all(record["majority"] is None for record in self.ran)

    def tells(self, level: float) -> bool:
        """Whether to agree on ``level`` tells a theft: no constant answer does, in any seed."""
        return all((record["majority"] or 0.0) < level for record in self.ran)

    @property
    def baseline(self) -> str | None:
        """The defense that is none, if it is in the matrix."""
        return next((d for (_, d), group in self.groups.items() if group.records[0]["defense"] == "none"), None)

    def against(self, defense: str) -> list[Group]:
        """The groups against one defense that came to a result."""
        return [group for (_, d), group in self.groups.items() if d == defense and group.ran]

    def best(self, defense: str, level: float = LEVEL) -> str | None:
        """The attack that needs the fewest queries to ``level``; if none gets there, or all do, that agrees most."""
        tells = self.tells(level)

        def rank(group: Group) -> tuple[float, float, float]:
            queries, agreement = group.median(f"queries_to_{level}"), group.median("agreement")
            assert queries is not None
            assert agreement is not None
            return (queries.value, queries.low, -agreement.value) if tells else (0.0, 0.0, -agreement.value)

        return min(self.against(defense), key=rank).attack if self.against(defense) else None

    def multiplier(self, defense: str, level: float = LEVEL) -> Estimate | None:
        """How many times more queries the best attack needs than without a defense: :func:`best_attack_ratio`.

        It is one of these attacks; :meth:`best` names the one that set it. Without a defense those attacks count that
        met it, even if they were skipped there: one that was added for another defense says nothing of this one.
        Seeds count that ran on both sides. None where ``level`` tells no theft (:meth:`tells`).
        """
        if (defense, level) not in self._multipliers:  # a bootstrap, which tables, notes and sentences ask for
            self._multipliers[defense, level] = self._multiplier(defense, level)
        return self._multipliers[defense, level]

    def _multiplier(self, defense: str, level: float) -> Estimate | None:
        if self.baseline is None or not self.tells(level):
            return None
        defended = _queries_by_seed(self.against(defense), level)
        bare = _queries_by_seed(self._bare(defense), level)
        seeds = sorted(set().union(*defended) & set().union(*bare))
        return best_attack_ratio(_in_order(defended, seeds), _in_order(bare, seeds))

    def more_than(self, defense: str, level: float = LEVEL) -> float | None:
        """What a multiplier that is infinite is more than: the budget over the queries without a defense."""
        bare = [queries.value for g in self._bare(defense) if (queries := g.median(f"queries_to_{level}"))]
        if not bare or not self.against(defense) or math.isinf(min(bare)) or not self.tells(level):
            return None
        return max(group.budget for group in self.against(defense)) / max(min(bare), 1)

    def _bare(self, defense: str) -> list[Group]:
        """The groups without a defense, of the attacks that met ``defense``."""
        met = {group.name for (_, d), group in self.groups.items() if d == defense}
        return [group for group in self.against(self.baseline) if group.name in met] if self.baseline else []

    def absent(self, defense: str, level: float = LEVEL) -> str | None:
        """The best attack without a defense, if it did not meet ``defense`` and its multiplier is of the others."""
        best = self.baseline and self.best(self.baseline, level)
        return best if best and best not in {group.attack for group in self._bare(defense)} else None

    def cost(self, defense: str, field: str, kind: str | None = None) -> Estimate | None:
        """The median of a field that depends on the defense, and maybe the kind of answers, once for each seed."""
        groups = (group for group in self.against(defense) if kind in (None, group.answers))
        by_seed = {record["seed"]: value_of(record, field) for group in groups for record in group.ran}
        return median(list(by_seed.values()))


def _queries_by_seed(groups: Sequence[Group], level: float) -> list[dict[int, float]]:
    """Queries to ``level``: for each attack, by seed."""
    return [{r["seed"]: queries_to(r["curve"] or [], level) for r in group.ran} for group in groups]


def _in_order(attacks: Sequence[Mapping[int, float]], seeds: Sequence[int]) -> list[list[float]]:
    """The queries of each attack in the order of ``seeds``, NaN where it did not run."""
    return [[queries.get(seed, math.nan) for seed in seeds] for queries in attacks]


def compare(records: Sequence[Record], plan: Plan | None = None) -> list[Comparison]:
    """Group records by model and dataset, and in these by attack and defense, in the order they come.

    Labels are those of ``plan``; where there is none, names, with the parameters that tell them apart. The
    records of several plans in one directory stay apart by what they differ in, such as their budgets.
    """
    parts = [parts_of(record) for record in records]
    label = labels((part for components in parts for part in components), plan)
    apart = settings_apart(records, parts)
    several = "answers" in apart
    apart = [field for field in apart if field != "answers"]
    found: dict[tuple[str, str], Comparison] = {}
    for record, components in zip(records, parts, strict=True):
        name, defense, model, dataset = (label[part] for part in components)
        attack = f"{name} ({record['answers']})" if several and record["answers"] else name
        if apart:
            settings = cast("Mapping[str, Any]", record)
            dataset += f" ({', '.join(f'{field} {settings[field]}'.replace('_', ' ') for field in apart)})"
        comparison = found.setdefault((model, dataset), Comparison(model, dataset))
        group = comparison.groups.setdefault((attack, defense), Group(attack, defense, name=name))
        group.records.append(record)
    for comparison in found.values():
        if plan:  # results on disk are in the order they finished
            comparison.added = plan.added
            order = list(plan.attacks), list(plan.defenses)
            comparison.groups = dict(
                sorted(comparison.groups.items(), key=lambda item: _places(order, (item[1].name, item[0][1])))
            )
    return list(found.values())


def _places(order: tuple[list[str], list[str]], pair: tuple[str, str]) -> list[int]:
    """Where a pair stands in the plan; what the plan does not know comes last."""
    return [axis.index(name) if name in axis else len(axis) for axis, name in zip(order, pair, strict=True)]
