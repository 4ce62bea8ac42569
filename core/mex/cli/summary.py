"""The table of a matrix that a person reads: medians over seeds, with their spread."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from statistics import median
from typing import Any

from mex.cli.tables import print_table
from mex.plan import Plan

COLUMNS = ("attack", "defense", "agreement", "near", "uniform", "geom.", "queries", "price", "honest pt")


def print_summary(records: Sequence[dict[str, Any]], plan: Plan) -> None:
    """Print one table per model and dataset, then what was skipped or failed, with the reasons."""
    piped = not sys.stdout.isatty()
    scenes: dict[tuple[str, str], dict[tuple[str, str], list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        scene = (plan.label("model", record), plan.label("dataset", record))
        scenes[scene][plan.label("attack", record), plan.label("defense", record)].append(record)
    shown = []
    for (model, dataset), pairs in scenes.items():
        rows = [[attack, defense, *summarise(cells)] for (attack, defense), cells in pairs.items()]
        ran = [c for cells in pairs.values() for c in cells if c["status"] == "ok"]
        if piped:
            shown += [[model, dataset, *row] for row in rows]
        elif ran:
            accuracy = median(c["target_accuracy"] for c in ran)
            title = f"{model} on {dataset}, accuracy {accuracy:.3f}; median ± half the range over seeds"
            print_table(COLUMNS, rows, title, right=range(2, len(COLUMNS)))
    if piped:
        print_table(("model", "dataset", *COLUMNS), shown)
    for line in reasons(records):
        print(line, file=sys.stderr)


def summarise(cells: Sequence[dict[str, Any]]) -> list[str]:
    """The cells of one attack and defense over seeds, as the columns from agreement on."""
    ran = [c for c in cells if c["status"] == "ok"]
    if not ran:
        return [cells[0]["status"], *[""] * (len(COLUMNS) - 3)]
    return [
        spread([c["agreement"] for c in ran], ".3f"),
        spread([c["near_agreement"] for c in ran], ".3f", False),
        spread([c["uniform_agreement"] for c in ran], ".3f", False),
        spread([c["geometric_error"] for c in ran], ".1e", False),
        spread([c["queries"] for c in ran], ".0f", False),
        "$" + spread([c["price_usd"] for c in ran], ".4f", False),
        spread([100 * (c["target_accuracy"] - c["defended_accuracy"]) for c in ran], "+.1f", False),
    ]


def spread(values: Sequence[float | None], form: str, with_range: bool = True) -> str:
    """The median, with half the range where it is not a single value.

    >>> spread([0.98, 1.0, 0.99], ".2f")
    '0.99 ±0.01'
    """
    known = [v for v in values if v is not None]
    if not known:
        return "-"
    middle, half = format(median(known), form), format((max(known) - min(known)) / 2, form)
    return f"{middle} ±{half}" if with_range and max(known) > min(known) else middle


def reasons(records: Sequence[dict[str, Any]]) -> list[str]:
    """One line per reason why cells were skipped or failed, or what their records say."""
    told: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for record in records:
        if record["reason"]:
            told[record["status"], record["reason"]].append(record)
    return [f"{status} ({len(cells)} cells): {reason}" for (status, reason), cells in told.items()]
