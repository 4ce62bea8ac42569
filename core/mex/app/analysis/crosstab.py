"""A comparison as a table of text, attacks down and defenses across, for terminals and documents."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence

import attrs
import numpy as np

from mex.app.analysis.aggregate import LEVEL, Comparison, Group
from mex.app.analysis.statistics import Estimate, upper_median

BEST = "★"
NEVER = "–"
BARS = "▁▂▃▄▅▆▇█"
CURVE_POINTS = 12


@attrs.frozen
class TextTable:
    """A table of text: a title, a row of defenses, a row per attack, and rows about the defenses."""

    title: str
    header: list[str]
    rows: list[list[str]]
    footer: list[list[str]]

    def columns(self, which: Sequence[int]) -> TextTable:
        """The same with the first column and those numbered."""
        keep = [0, *which]

        def cut(rows: list[list[str]]) -> list[list[str]]:
            return [[row[i] for i in keep] for row in rows]

        return TextTable(self.title, cut([self.header])[0], cut(self.rows), cut(self.footer))

    @property
    def widths(self) -> list[int]:
        """The width of each column."""
        return [max(map(len, column)) for column in zip(self.header, *self.rows, *self.footer, strict=True)]


def crosstab(comparison: Comparison, level: float = LEVEL, curves: bool = False) -> TextTable:
    """Each pair as agreement and queries to ``level``, the attack with the fewest of them marked in each column."""
    accuracy = comparison.median("target_accuracy")
    what = comparison.title + (f", accuracy {accuracy.value:.3f}" if accuracy else "")
    seeds = len({record["seed"] for record in comparison.records})
    title = f"{what}; {seeds} seeds; agreement, queries to {level:g} ({BEST} fewest, {NEVER} never)"
    best = {defense: comparison.best(defense, level) for defense in comparison.defenses}
    rows = []
    for attack in comparison.attacks:
        groups = [comparison.groups.get((attack, defense)) for defense in comparison.defenses]
        marked = [len(comparison.attacks) > 1 and best[defense] == attack for defense in comparison.defenses]
        rows.append([attack, *(_cell(group, level, mark) for group, mark in zip(groups, marked, strict=True))])
        if curves:
            rows.append(["", *(sparkline(group) if group and group.ran else "" for group in groups)])
    footer = [["multiplier", *(times(comparison.multiplier(defense, level)) for defense in comparison.defenses)]]
    for name, field, form in COSTS:
        costs = [comparison.cost(defense, field) for defense in comparison.defenses]
        footer.append([name, *(form(cost.value) if cost else "" for cost in costs)])
    return TextTable(title, ["attack", *comparison.defenses], rows, footer)


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


COSTS: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("honest accuracy", "accuracy_lost", lambda lost: f"{round(-100 * lost, 1) + 0.0:+.1f} pt"),
    ("answers changed", "answers_changed", _percent),
    ("repeats differ", "repeats_differ", _percent),
)


def _cell(group: Group | None, level: float, best: bool) -> str:
    if group is None or not group.ran:
        return group.status if group else ""
    queries = group.middle(f"queries_to_{level}")
    said = with_spread(group.median("agreement")) + "  " + (NEVER if queries is None else number(queries))
    return said + (BEST if best else "") + (f" ({missing(group)})" if missing(group) else "")


def missing(group: Group) -> str:
    """How many cells of a group came to no result, and why.

    >>> missing(Group("a", "d", [{"status": "ok"}, {"status": "skipped"}, {"status": "failed"}]))
    '1 failed, 1 skipped'
    """
    count = Counter(record["status"] for record in group.records if record["status"] != "ok")
    return ", ".join(f"{count[status]} {status}" for status in sorted(count))


def with_spread(estimate: Estimate | None) -> str:
    """An estimate with half the width of its interval.

    >>> with_spread(Estimate(0.98, 0.97, 1.0)), with_spread(None)
    ('0.980±.015', '–')
    """
    if estimate is None:
        return NEVER
    half = f"{(estimate.high - estimate.low) / 2:.3f}"
    return f"{estimate.value:.3f}" + (f"±{half.removeprefix('0')}" if float(half) else "")


def number(value: float) -> str:
    """A count for people.

    >>> number(1234.5), number(float("inf"))
    ('1,234', '–')
    """
    return f"{value:,.0f}" if math.isfinite(value) else NEVER


def times(factor: Estimate | None) -> str:
    """A multiplier with its interval.

    >>> times(Estimate(3.2, 2.9, float("inf"))), times(None)
    ('3.2 (2.9 to never)', '–')
    """
    if factor is None:
        return NEVER
    if not factor.finite:
        return "never in budget"
    if factor.low == factor.high:
        return f"{factor.value:.1f}"
    high = f"{factor.high:.1f}" if math.isfinite(factor.high) else "never"
    return f"{factor.value:.1f} ({factor.low:.1f} to {high})"


def sparkline(group: Group) -> str:
    """The median learning curve, queries on a logarithmic scale, from an agreement of 1/2 up to 1."""
    curves = [[(float(p["queries"]), p["agreement"]) for p in record["curve"] or []] for record in group.ran]
    most = max(queries for curve in curves for queries, _ in curve)
    marks = np.geomspace(min(8, most), most, CURVE_POINTS)
    at = [[next((a for q, a in reversed(curve) if q <= mark), 0.0) for mark in marks] for curve in curves]
    middle = upper_median(np.array(at).T)
    steps = np.minimum((np.clip(middle, 0.5, 1) - 0.5) * 2 * len(BARS), len(BARS) - 1).astype(int)
    return "".join(BARS[step] for step in steps)
