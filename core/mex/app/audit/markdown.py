"""The page of an audit as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mex.app.audit.content import Chart, Code, Part, Table, sections


def markdown(told: Mapping[str, Any]) -> str:
    """The document as Markdown; the points of its charts stand in the JSON."""
    lines = [f"# Audit of {_plain(told['subject']['model'])}", ""]
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
    assert isinstance(part, Chart)
    ends = [f"- {_plain(c.name)}: {c.points[-1][1]:.4g} after {c.points[-1][0]:,.0f} queries" for c in part.curves]
    return [_plain(part.caption), "", *ends]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_plain(cell) for cell in cells) + " |"


def _plain(text: str) -> str:
    """A text on one line in which nothing is markup."""
    for sign in "\\|*_<>`[]#":
        text = text.replace(sign, "\\" + sign)
    return " ".join(text.split())
