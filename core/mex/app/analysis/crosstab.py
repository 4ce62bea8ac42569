"""A comparison as a table of text, attacks down and defenses across, for terminals and documents."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

import attrs
import numpy as np

from mex.app.analysis.aggregate import LEVEL, Comparison
from mex.app.analysis.group import Group
from mex.app.analysis.notes import notes, row_name
from mex.app.analysis.numbers import BELOW, NEVER, accuracy_change, interval, number, percent, share, times
from mex.app.analysis.statistics import bands

BEST = "★"
BARS = "▁▂▃▄▅▆▇█"
CURVE_POINTS = 12


@attrs.frozen
class TextTable:
    """A table of text: a title, a row of defenses, a row per attack, rows about the defenses, sentences below."""

    title: str
    header: list[str]
    rows: list[list[str]]
    footer: list[list[str]]
    notes: list[str] = attrs.field(factory=list)

    def columns(self, which: Sequence[int]) -> TextTable:
        """The same with the first column and those numbered."""
        keep = [0, *which]

        def cut(rows: list[list[str]]) -> list[list[str]]:
            return [[row[i] for i in keep] for row in rows]

        return TextTable(self.title, cut([self.header])[0], cut(self.rows), cut(self.footer), self.notes)

    @property
    def widths(self) -> list[int]:
        """The width of each column."""
        return [max(map(len, column)) for column in zip(self.header, *self.rows, *self.footer, strict=True)]


def crosstab(comparison: Comparison, level: float = LEVEL, curves: bool = False, brief: bool = False) -> TextTable:
    """Each pair as agreement and queries to ``level``, the attack with the fewest of them marked in each column.

    ``brief`` leaves out what an overview says (:mod:`mex.app.analysis.overview`), and costs that no defense has.
    """
    accuracy, rows = comparison.median("target_accuracy"), comparison.rows
    what = comparison.title + (f", accuracy {share(accuracy.value, rows)}" if accuracy else "")
    seeds = len({record["seed"] for record in comparison.records})
    over = "1 seed" if seeds == 1 else f"{seeds} seeds"
    title = f"{what}; {over}; agreement, queries to {level:g} ({BEST} fewest, {NEVER} not within the budget)"
    winners = {defense: winner(comparison, defense, level) for defense in comparison.defenses}
    cells = []
    for attack in comparison.attacks:
        groups = [comparison.groups.get((attack, defense)) for defense in comparison.defenses]
        marked = [len(comparison.attacks) > 1 and winners[defense] == attack for defense in comparison.defenses]
        squares = [_cell(group, level, mark) for group, mark in zip(groups, marked, strict=True)]
        cells.append([row_name(comparison, attack), *squares])
        if curves:
            cells.append(["", *(sparkline(group) if group and group.ran else "" for group in groups)])
    header = ["attack", *comparison.defenses]
    footer = about_defenses(comparison, level)
    if brief:
        footer = [row for row in footer if row[0].startswith(NOTICED) and not idle(row)]
    return TextTable(title, header, cells, footer, notes(comparison, level))


def winner(comparison: Comparison, defense: str, level: float = LEVEL) -> str | None:
    """The attack that reaches ``level`` with the fewest queries; None if none does in half of the seeds."""
    best = comparison.best(defense, level) if comparison.tells(level) else None
    needed = comparison.groups[best, defense].median(f"queries_to_{level}") if best else None
    return best if needed and needed.finite else None


def about_defenses(comparison: Comparison, level: float = LEVEL) -> list[list[str]]:
    """What each defense buys and costs, a row for each of these with its name first."""
    defenses, rows = comparison.defenses, comparison.rows
    factors = [comparison.multiplier(defense, level) for defense in defenses]
    bought = [times(factor, comparison.more_than(d, level)) for d, factor in zip(defenses, factors, strict=True)]
    attackers = [comparison.best(d, level) if f and f.finite else "" for d, f in zip(defenses, factors, strict=True)]
    table = [["multiplier", *bought], ["set by", *(attacker or "" for attacker in attackers)]]
    for name, field, form in COSTS:
        kinds: list[str | None] = [*comparison.kinds] if field in OF_ANSWERS else []
        for kind in kinds or [None]:
            costs = [comparison.cost(defense, field, kind) for defense in defenses]
            shown = [form(cost.value, rows) if cost else "" for cost in costs]
            table.append([f"{name} ({kind})" if kind else name, *shown])
    return table


COSTS: tuple[tuple[str, str, Callable[[float, int], str]], ...] = (
    ("honest accuracy", "accuracy_lost", accuracy_change),
    ("answers changed", "answers_changed", percent),
    ("repeats differ", "repeats_differ", percent),
)
OF_ANSWERS = ("answers_changed", "repeats_differ")
"""The costs that depend on the kind of answers."""


NOTICED = ("answers changed", "repeats differ")
"""How the rows of the footer begin that no overview has."""


def idle(row: Sequence[str]) -> bool:
    """Whether a row of the footer says of no defense that honest users notice it."""
    return row[0].startswith(NOTICED) and not any(re.search("[1-9]", text) for text in row[1:])


def _cell(group: Group | None, level: float, best: bool) -> str:
    if group is None or not group.ran:
        return group.status if group else ""
    said = agreement(group) + "  " + queries(group, level)
    return said + (BEST if best else "") + (f" ({missing(group)})" if missing(group) else "")


def agreement(group: Group) -> str:
    """The agreement of an attack with its interval, marked where it is below a constant's."""
    return interval(group.median("agreement"), group.rows) + BELOW * group.below_constant


def queries(group: Group, level: float) -> str:
    """Queries to ``level``, and in how many of the seeds it was reached where it was not in all or none."""
    needed, reached = group.median(f"queries_to_{level}"), group.reached(level)
    share_of_seeds = f" {reached}/{len(group.ran)}" if 0 < reached < len(group.ran) else ""
    return (NEVER if needed is None else number(needed.value)) + share_of_seeds


def missing(group: Group) -> str:
    """How many cells of a group came to no result, and why.

    >>> missing(Group("a", "d", [{"status": "ok"}, {"status": "skipped"}, {"status": "failed"}]))
    '1 failed, 1 skipped'
    """
    count = Counter(record["status"] for record in group.records if record["status"] != "ok")
    return ", ".join(f"{count[status]} {status}" for status in sorted(count))


def sparkline(group: Group) -> str:
    """The median learning curve, queries on a logarithmic scale, from an agreement of 1/2 up to 1."""
    curves = [[(float(p["queries"]), p["agreement"]) for p in record["curve"] or []] for record in group.ran]
    most = max(queries for curve in curves for queries, _ in curve)
    marks = np.geomspace(min(8, most), most, CURVE_POINTS)
    at = [[next((a for q, a in reversed(curve) if q <= mark), 0.0) for mark in marks] for curve in curves]
    _, middle, _ = bands(np.array(at))
    steps = np.minimum((np.clip(middle, 0.5, 1) - 0.5) * 2 * len(BARS), len(BARS) - 1).astype(int)
    return "".join(BARS[step] for step in steps)
