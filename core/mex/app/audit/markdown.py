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
        return [
            f"- {_plain(f'{name}, {c.caption.lower()}: {part.score} {l[-1][2]:.4g} after {l[-1][0]:,.0f} queries')}"
            for c in part.charts
            for name, l in c.lines
        ]
    told = [
        f"- {_plain(d.name)}: {times(d.factor, d.more_than)} for {d.lost:.1f} points of accuracy" for d in part.defenses
    ]
    return ["What each defense buys and costs", "", *told]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_plain(cell) for cell in cells) + " |"


def _plain(text: str) -> str:
    """A text on one line in which nothing is markup."""
    for sign in "\\|*_<>`[]#":
        text = text.replace(sign, "\\" + sign)
    return " ".join(text.split())
