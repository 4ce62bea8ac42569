"""``mex report``: the results of a matrix as one page."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mex.errors import UsageError
from mex.registry import Registry

if TYPE_CHECKING:
    from mex.app.matrix.plan import Plan


def add_commands(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    command = commands.add_parser("report", help="the results of a matrix as one page that needs no network")
    command.add_argument("directory", type=Path, metavar="DIR", help="what mex matrix --out wrote")
    command.add_argument("-o", "--output", type=Path, default=Path("report.html"), metavar="FILE", help="report.html")
    command.set_defaults(run=run)


def run(args: argparse.Namespace, registry: Registry) -> int:
    """Read the records, say which lines are none, write the page."""
    from mex.app.files import check_writable
    from mex.app.matrix.results import FILE, read
    from mex.app.report import write

    records, flaws = read(args.directory)
    for sentence in flaws.sentences(args.directory / FILE, "the report leaves them out", "numbers may differ"):
        print(f"mex: {sentence}", file=sys.stderr)
    if not records:
        raise UsageError(f"{args.directory} holds no finished cell; mex matrix --out {args.directory} makes some")
    check_writable(args.output)
    recipe = _recipe(args.directory)
    summaries = {(p.component.kind, p.component.name): p.component.summary for p in registry.provided()}
    write(args.output, records, recipe, _plan(recipe, registry), summaries)
    print(args.output)
    return 0


def _recipe(directory: Path) -> str:
    """The text of the recipe; "" if there is none."""
    from mex.app.matrix.provenance import FILE

    try:
        return (directory / FILE).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _plan(recipe: str, registry: Registry) -> Plan | None:
    """The plan of the recipe, for its labels; None if there is none that can be read here."""
    import tomllib

    from mex.app.matrix.plan import Plan

    try:
        return Plan.of(tomllib.loads(recipe)).resolve(registry) if recipe else None
    except (UsageError, ValueError):  # by hand, or with a plugin that is not installed here
        return None
