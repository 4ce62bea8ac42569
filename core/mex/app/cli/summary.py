"""What ``mex matrix`` and ``mex report`` print: a grid for people, flat rows for programs."""

from __future__ import annotations

import csv
import io
import json
import math
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from mex.app.analysis.aggregate import LEVEL, Comparison
from mex.app.analysis.crosstab import TextTable, crosstab
from mex.app.analysis.tidy import ROW, rows
from mex.app.cli.documents import latex, markdown, one_line
from mex.app.cli.output import print_line
from mex.app.matrix.record import Record

WIDTH = 100
"""The most columns of a terminal that a grid takes; more defenses go below."""


def print_comparisons(
    found: Sequence[Comparison], form: str | None = None, level: float = LEVEL, curves: bool = False
) -> None:
    """Print each comparison in a form: by default a table on a terminal and tab-separated rows in a pipe."""
    form = form or ("table" if sys.stdout.isatty() else "tsv")
    if form in ("table", "markdown", "latex"):
        for comparison in found:
            if comparison.ran:
                FORMS[form](crosstab(comparison, level, curves))
    else:
        FORMS[form](rows(found, level))


def _table(shown: TextTable) -> None:
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    def cell(text: str) -> str:
        return escape(one_line(text))  # a label may have brackets

    console = Console()
    most = min(WIDTH, console.width)
    console.print(one_line(shown.title), markup=False, highlight=False, width=most)
    for block in _blocks(shown.widths, most):
        part = shown.columns(block)
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))
        for i, column in enumerate(part.header):
            table.add_column(cell(column), justify="right" if i else "left", overflow="fold")
        for row in part.rows:
            table.add_row(*map(cell, row))
        table.add_section()
        for row in part.footer:
            table.add_row(*map(cell, row), style="dim")
        console.print(table)
    for note in shown.notes:
        console.print(one_line(note), markup=False, highlight=False, style="dim", width=most)
    if shown.notes:
        console.print()


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
    """One line per reason why cells were skipped or failed, or what their records say."""
    told = Counter((record["status"], record["reason"]) for record in records if record["reason"])
    return [f"{status} ({count} cells): {one_line(reason)}" for (status, reason), count in told.items()]
