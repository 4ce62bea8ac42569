"""The charts of an audit: learning curves for each kind of answer, and what defenses buy over what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mex.app.audit.blocks import Curves, Lines, Part, TradeOff
from mex.app.audit.thieves import estimated
from mex.app.audit.verdict import read_words
from mex.app.report.chart import Point4
from mex.app.report.curves import median_line
from mex.app.report.tradeoff import LOST, Bargain

MOST_LINES = 6
"""Attacks in one chart, the best first: more would not be told apart."""


def charts(told: Mapping[str, Any]) -> list[Part]:
    """The learning curves of those who know all, a chart for each kind of answer that is read; [] if none ran."""
    drawn = [
        Lines(f"From {read_words(kind)}", lines) for kind in told["subject"]["answers"] if (lines := _lines(told, kind))
    ]
    if not drawn:
        return []
    score = "R²" if told["subject"]["task"] == "regression" else "agreement"
    caption = (
        f"{score[0].upper()}{score[1:]} after so many queries, for a thief who knows the class of the model and has "
        "rows: the median over seeds, and a band from end to end. The axis is stretched toward 1; the dotted line is "
        "the level at which defenses are told. Point at a chart, tap it, or use the arrow keys to read values."
    )
    return [Curves(caption, score, min(a["held_out"] for a in told["attacks"] if a["held_out"]), drawn)]


def _lines(told: Mapping[str, Any], kind: str) -> list[tuple[str, list[Point4]]]:
    ran = [a for a in told["attacks"] if a["reads"] == kind and a["curves"] and a["rows"] and a["class_known"]]
    best = sorted(ran, key=lambda a: -a["agreement"]["median"])[:MOST_LINES]
    lines = [(a["attack"], median_line(a["curves"])) for a in best]
    return [(name, points) for name, points in lines if points]


def trade_off(told: Mapping[str, Any]) -> list[Part]:
    """What defenses buy over what they cost; [] for fewer than two of which both are known."""
    drawn = [
        Bargain(d["setting"], 100 * d["costs"]["accuracy_lost"], estimated(d["factor"]), d["at_least"])
        for d in told["defenses"]
        if d["factor"] is not None and d["costs"]["accuracy_lost"] is not None and not d["missing"]
    ]
    caption = (
        "Up: more queries for the best attack that knows the defense. Left: less accuracy lost by honest users. Lines "
        "are the ends of the interval; a triangle is a defense against which no attack here got there: at least so "
        "many times as many. What a defense withholds stands in the table."
    )
    lost_is = "R² that honest users lose, hundredths" if told["subject"]["task"] == "regression" else LOST
    return [TradeOff(caption, lost_is, drawn)] if len(drawn) > 1 else []
