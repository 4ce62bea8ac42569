"""Tables: rich on a terminal, tab-separated when piped."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

SHOWN = 8
"""How many levels of a category are shown."""


def print_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], title: str = "", right: Sequence[int] = ()
) -> None:
    """Print a table to stdout; the columns numbered in ``right`` are aligned to the right."""
    if not sys.stdout.isatty():
        for row in [header, *rows]:
            print("\t".join(" ".join(cell.split()) for cell in row))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for i, column in enumerate(header):
        number = i in right
        table.add_column(column, justify="right" if number else "left", overflow="fold", no_wrap=number)
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def print_columns(columns: Sequence[dict[str, Any]]) -> None:
    """Print the columns of a table, as :func:`mex.toolkit.tabular.summary.described` tells them."""
    print_table(["column", "kind", "values", "missing"], [_cells(column) for column in columns])


def _cells(column: dict[str, Any]) -> list[str]:
    if column["range"]:
        values = "{:g} to {:g}".format(*column["range"])
    elif column["levels"]:
        values = ", ".join(map(str, column["levels"][:SHOWN])) + (" …" if len(column["levels"]) > SHOWN else "")
    else:
        values = "false, true"
    return [column["name"], column["kind"], values, "some" if column["missing"] else ""]
