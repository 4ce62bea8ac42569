"""What ``mex matrix`` and ``mex report`` print: a grid for people, flat rows for programs."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any

from mex.app.analysis.aggregate import LEVEL, Comparison
from mex.app.analysis.crosstab import TextTable, crosstab
from mex.app.analysis.overview import HEADER, legend, overview
from mex.app.analysis.tidy import ROW, rows
from mex.app.cli.documents import latex, markdown, one_line
from mex.app.cli.output import print_line
from mex.app.matrix.record import Record

WIDTH = 100
"""The most columns of a terminal that a grid takes; more defenses go below."""
NAME = 26
"""The widest column of names; longer ones take several lines."""


def print_comparisons(
    found: Sequence[Comparison], form: str | None = None, level: float = LEVEL, curves: bool = False
) -> None:
    """Print each comparison in a form: by default a table on a terminal and tab-separated rows in a pipe."""
    form = form or ("table" if sys.stdout.isatty() else "tsv")
    if form in ("table", "markdown", "latex"):
        for comparison in found:
            if comparison.ran:
                FORMS[form](crosstab(comparison, level, curves, brief=form == "table" and len(found) > 1))
        if form == "table" and any(comparison.ran for comparison in found):
            _overview(found, level)
    else:
        FORMS[form](rows(found, level))


def _table(shown: TextTable) -> None:
    console, most = _terminal()
    _line(console, shown.title, most)
    first = min(shown.widths[0], NAME)
    for block in _blocks([first, *shown.widths[1:]], most):
        part = shown.columns(block)
        table = _grid()
        for i, column in enumerate(part.header):
            table.add_column(_cell(column), justify="right" if i else "left", width=None if i else first)
        for row in part.rows:
            table.add_row(*map(_cell, row))
        table.add_section()
        for row in part.footer:
            table.add_row(*map(_cell, row), style="dim")
        console.print(table)
    for note in shown.notes:
        _line(console, note, most, "dim")
    if shown.notes:
        console.print()


def _overview(found: Sequence[Comparison], level: float) -> None:
    """The answer of the whole matrix, last, where people look."""
    console, most = _terminal()
    lines = overview(found, level)
    texts = [[one_line(text) for text in line.texts] for line in lines]
    _line(console, f"IN SHORT: what it takes to copy each model so that it agrees on {level:g} of held-out rows", most)
    columns = list(zip(HEADER[1:], *(row[1:] for row in texts), strict=True))
    widths = [min(NAME, max(map(len, column))) for column in columns]
    least = [max(map(len, column[1:])) for column in columns]
    for i in (1, 2, 3):  # these may take several lines, but no word of theirs does
        least[i] = max(len(word) for text in columns[i][1:] for word in text.split() or [""])
    for comparison in found:
        table = _grid(1)
        for i, name in enumerate(HEADER[1:]):
            side: Any = "left" if i < 2 else "right"
            table.add_column(name, justify=side, overflow="fold", min_width=min(NAME, least[i]), max_width=widths[i])
        for line, row in zip(lines, texts, strict=True):
            if line.comparison is comparison:
                table.add_row(*map(_cell, row[1:]))
        _line(console, comparison.title, most, "bold")
        console.print(table)
    for sentence in legend(level):
        _line(console, sentence, most, "dim")


def _terminal() -> tuple[Any, int]:
    from rich.console import Console

    console = Console()
    return console, min(WIDTH, console.width)


def _line(console: Any, text: str, most: int, style: str = "") -> None:
    console.print(one_line(text), markup=False, highlight=False, style=style, width=most)


def _grid(gap: int = 2) -> Any:
    from rich import box
    from rich.table import Table

    return Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, gap, 0, 0))


def _cell(text: str) -> str:
    from rich.markup import escape

    return escape(one_line(text))  # a label may have brackets


def _blocks(widths: Sequence[int], most: int) -> list[list[int]]:
    """The columns after the first, in blocks that fit beside it."""
    blocks: list[list[int]] = [[]]
    used = widths[0] + 2
    for i, width in enumerate(widths[1:], start=1):
        if blocks[-1] and used + width + 2 > most:
            blocks.append([])
            used = widths[0] + 2
        blocks[-1].append(i)
        used += width + 2
    return blocks


def _json(table: Sequence[dict[str, Any]]) -> None:
    finite = [{k: None if v == math.inf else v for k, v in row.items()} for row in table]
    print_line(json.dumps(finite, ensure_ascii=False, allow_nan=False, indent=1))


def _flat(value: Any) -> Any:
    """A value of a row that takes one line."""
    return f"{value:.6g}" if isinstance(value, float) else one_line(value) if isinstance(value, str) else value


def _separated(separator: str) -> Callable[[Sequence[dict[str, Any]]], None]:
    def show(table: Sequence[dict[str, Any]]) -> None:
        text = io.StringIO()
        writer = csv.DictWriter(text, ROW, delimiter=separator, lineterminator="\n")
        writer.writeheader()
        writer.writerows({k: _flat(v) for k, v in row.items()} for row in table)
        print(text.getvalue(), end="")

    return show


FORMS: dict[str, Callable[[Any], None]] = {
    "table": _table,
    "markdown": lambda shown: print(markdown(shown), end="\n\n"),
    "latex": lambda shown: print(latex(shown), end="\n\n"),
    "csv": _separated(","),
    "tsv": _separated("\t"),
    "json": _json,
}


def reasons(records: Sequence[Record]) -> list[str]:
    """How many cells came to a result if not all did, then a line for each reason or note, and of how many cells.

    Those that differ in their numbers only are one line, with the first of them.
    """
    told: dict[tuple[str, str], list[str]] = {}
    for record in records:
        if record["reason"]:
            told.setdefault((record["status"], re.sub(r"\d+", "N", record["reason"])), []).append(record["reason"])
    ran = sum(record["status"] == "ok" for record in records)
    lines = [f"{ran} of {len(records)} cells came to a result"] if ran < len(records) else []
    for status, word in (("failed", "failed"), ("skipped", "skipped"), ("ok", "noted")):
        for (of, _), those in told.items():
            if of == status:
                such = ", such as" if len(set(those)) > 1 else ""
                lines.append(f"{word} ({len(those)} cell{'s' * (len(those) > 1)}){such}: {one_line(those[0])}")
    return lines
