"""The page of an audit as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mex.app.analysis.numbers import times
from mex.app.audit.blocks import Code, Curves, Part, Table
from mex.app.audit.content import sections


def markdown(told: Mapping[str, Any]) -> str:
    """The document as Markdown; the points of its charts stand in the JSON."""
    lines = [f"# Audit of {_plain(told['subject']['name'])}", ""]
    for section in sections(told):
        lines += [f"## {section.title}", ""]
        for part in section.parts:
            lines += [*_part(part), ""]
    return "\n".join(lines)


def _part(part: Part) -> list[str]:
    if isinstance(part, str):
        return [_plain(part)]
    if isinstance(part, list):
        return [f"- {_plain(sentence)}" for sentence in part]
    if isinstance(part, Table):
        return [_row(part.header), _row(["---"] * len(part.header)), *map(_row, part.rows), "", _plain(part.caption)]
    if isinstance(part, Code):
        return [_plain(part.caption), "", "````", part.lines, "````"]
    if isinstance(part, Curves):
        ends = [(name, chart.caption.lower(), line[-1]) for chart in part.charts for name, line in chart.lines]
        return [
            f"- {_plain(name)}, {_plain(what)}: {part.score} {median:.4g} after {queries:,.0f} queries"
            for name, what, (queries, _, median, _) in ends
        ]
    told = [f"- {_plain(d.name)}: {times(d.factor, d.more_than)}, {d.lost:.2f} ({part.lost_is})" for d in part.defenses]
    return ["What each defense buys and costs", "", *told]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_plain(cell) for cell in cells) + " |"


def _plain(text: str) -> str:
    """A text on one line in which nothing is markup."""
    for sign in "\\|*_<>`[]#":
        text = text.replace(sign, "\\" + sign)
    return " ".join(text.split())
