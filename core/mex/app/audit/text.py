"""An audit as plain text: the verdict, then the tables that it rests on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mex.app.audit.advice import costs_text
from mex.app.audit.verdict import agreement_text, queries_text, shown_words


def verdict_text(told: Mapping[str, Any]) -> str:
    """The document for a terminal."""
    lines = [f"{told['subject']['name']} on {told['subject']['data_name']}", "", *told["verdict"], ""]
    lines += table(["answers shown", "knows", "to 0.95", "to 0.99", "to 0.999", "best"], thief_rows(told))
    if told["defenses"]:
        lines += ["", *table(["defense", "buys", "best attack on it", "costs", "verdict"], defense_rows(told))]
    for sentences in (told["limits"], told["resolution"], [finding["sentence"] for finding in told["findings"]]):
        lines += [""] * bool(sentences) + [f"- {sentence}" for sentence in sentences]
    return "\n".join(lines)


def thief_rows(told: Mapping[str, Any]) -> list[list[str]]:
    """A row for each kind of thief."""
    rows = []
    for thief in told["thieves"]:
        most = thief["most"]
        best = f"{most['attack']}: {agreement_text(most['agreement'], most['held_out'])}" if most else "no attack"
        shown = [_at(at, float(level) in told["levels"]) for level, at in thief["levels"].items()]
        rows.append([shown_words(thief["shown"]), knows(thief), *shown, best])
    return rows


def _at(at: Mapping[str, Any] | None, telling: bool) -> str:
    """The queries to a level of agreement."""
    if at is None:
        return "–" if telling else "no theft"
    return queries_text(at["queries"], at["reached"], at["seeds"])


def knows(thief: Mapping[str, Any]) -> str:
    """What a thief knows beforehand."""
    parts = ["class"] * thief["class_known"] + ["rows"] * thief["rows"]
    return " and ".join(parts) or "neither"


def defense_rows(told: Mapping[str, Any]) -> list[list[str]]:
    """A row for each defense, the best bargain first."""
    deploy = told["recommendation"]["defense"]
    return [
        [
            trade["setting"],
            factor_text(trade),
            _best_text(trade),
            costs_text(trade, "; ") or "nothing measured",
            trade["objection"] or ("deploy" if trade["setting"] == deploy else "worth its cost"),
        ]
        for trade in told["defenses"]
    ]


def _best_text(trade: Mapping[str, Any]) -> str:
    """The attack that set what a defense buys; where none got there, how far the best did."""
    if trade["best_attack"] or not trade["attacks"]:
        return trade["best_attack"] or "none ran"
    reached, sooner = trade.get("reached"), trade.get("sooner")
    parts = [] if reached is None else [f"the best to {math.floor(1000 * reached + 1e-9) / 1000:.3f}"]
    parts += [f"{sooner['factor']:.1f} times to {sooner['level']:g}"] if sooner else []
    return "; ".join(["none got there", *parts])


def factor_text(trade: Mapping[str, Any]) -> str:
    """How many times more queries, with the ends of the interval; *over* where no attack got there.

    Where attacks on it came to no result any number would be that of the weaker ones that are left.
    """
    factor = trade["factor"]
    if factor is None:
        return "–"
    if trade["missing"]:
        return "not known"
    over = f"over {trade['at_least']:.1f}" if trade["at_least"] else "more than was tried"
    ends = [over if factor[end] is None else f"{factor[end]:.1f}" for end in ("median", "low", "high")]
    return ends[0] if ends[1] == ends[2] else f"{ends[0]} ({ends[1]} to {ends[2]})"


def table(header: list[str], rows: list[list[str]]) -> list[str]:
    """Rows in columns of even width.

    >>> table(["a", "b"], [["long", "x"]])
    ['a     b', 'long  x']
    """
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [header, *rows]
    ]
