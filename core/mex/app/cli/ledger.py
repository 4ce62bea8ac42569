"""``mex ledger``: what was asked and answered, and what it may have cost."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mex.errors import UsageError
from mex.registry import Registry

if TYPE_CHECKING:
    from mex.toolkit.ledger.store import Ledger


def add_commands(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    command = commands.add_parser("ledger", help="what was asked of a model and answered, and what it may have cost")
    command.add_argument("path", type=Path, metavar="FILE", help="a ledger, or the directory of a run that kept some")
    command.add_argument(
        "--export", type=Path, metavar="TABLE", help="write the rows and their answers as .csv or .parquet"
    )
    command.add_argument("--json", action="store_true", help="one JSON object per ledger on stdout")
    command.set_defaults(run=run)


def run(args: argparse.Namespace, registry: Registry) -> int:
    """Print the totals of each ledger, and export the rows of one."""
    from mex.app.cli.tables import print_table
    from mex.app.files import check_writable, replacing
    from mex.toolkit.ledger.exporting import check_suffix, export
    from mex.toolkit.ledger.store import Ledger

    ledgers = [Ledger(path, read_only=True) for path in _paths(args.path)]
    if args.export:
        check_suffix(args.export)
        if len(ledgers) > 1:
            raise UsageError(f"{args.path} has {len(ledgers)} ledgers: name the one to export")
        check_writable(args.export)
        with replacing(args.export) as part:
            export(ledgers[0], part, args.export.suffix)
    told = [_totals(ledger) for ledger in ledgers]
    if args.json:
        for totals in told:
            print(json.dumps(totals, ensure_ascii=False))
        return 0
    header = ["ledger", "purpose", "outcome", "attempts", "rows"]
    lines = [
        [totals["ledger"], part["purpose"], part["outcome"], str(part["attempts"]), str(part["rows"])]
        for totals in told
        for part in totals["attempts"]
    ]
    print_table(header, lines, right=(3, 4))
    for totals in told:
        price = "" if totals["price_usd"] is None else f": {totals['price_usd']:.6g} US dollars at most"
        print(f"{totals['ledger']}: {totals['answers']} answers, {totals['rows_sent']} rows sent{price}")
    return 0


def _paths(path: Path) -> list[Path]:
    """The ledgers at a path.

    Raises:
        UsageError: if there is none.
    """
    from mex.app.matrix.ledgers import FOLDER, MEASURES, SUFFIX

    if path.is_file():
        return [path]
    found = sorted(
        [*path.glob(f"*{SUFFIX}"), *(path / FOLDER).glob(f"*{SUFFIX}")],
        key=lambda file: (file.stem.startswith(MEASURES), file),  # what attacks cost comes first
    )
    if not found:
        raise UsageError(f"{path} is no ledger, and no directory that holds one")
    return found


def _totals(ledger: Ledger) -> dict[str, Any]:
    """What a ledger comes to, JSON-ready."""
    totals = ledger.totals()
    sent = sum(ledger.sent(purpose) for purpose in dict.fromkeys(purpose for purpose, *_ in totals))
    price = ledger.note("price_per_query")
    assert ledger.path is not None
    return {
        "ledger": str(ledger.path),
        "attempts": [dict(zip(("purpose", "outcome", "attempts", "rows"), part, strict=True)) for part in totals],
        "answers": ledger.answers,
        "rows_sent": sent,
        "price_usd": None if price is None else round(sent * price, 10),
        **{name: ledger.note(name) for name in ("model", "dataset", "defense", "attack", "seed")},
    }
