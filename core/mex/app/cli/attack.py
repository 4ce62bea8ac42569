"""``mex attack``: one attack on one model, and the stolen model in a file."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from pathlib import Path
from typing import Any

from mex.errors import UsageError
from mex.registry import Registry

PRICES = {"amazon": 0.0001, "microsoft": 0.0005}
"""US dollars for one online prediction (paper, Table 1). Google asks by the hour of a node, which is no such price."""
PRICE_HELP = f"a number, or {' or '.join(PRICES)} (default 0.0001, Amazon's)"


def add_commands(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    command = commands.add_parser("attack", help="steal one model and say what it took")
    command.add_argument("attack", metavar="ATTACK", help="an attack: name or name:key=value,key=value")
    command.add_argument("-m", "--model", required=True, help="the model to steal")
    command.add_argument("--data", required=True, metavar="DATASET", help="the dataset it is fitted on")
    command.add_argument("-d", "--defense", default="none", help="what answers instead of it; nest with ' + '")
    command.add_argument("--answers", metavar="KIND", help="label, proba, leaf or value (default: the model's usual)")
    command.add_argument("--budget", default=1000, type=number, metavar="N", help="queries at most (default 1000)")
    command.add_argument("--seed", default=0, type=number, metavar="S", help="default 0")
    command.add_argument("--price-per-query", default=None, type=price, metavar="USD", help=PRICE_HELP)
    command.add_argument("--save", type=Path, metavar="FILE", help="write the stolen model there, in skops' format")
    command.add_argument("--json", action="store_true", help="the record as one JSON line on stdout")
    command.set_defaults(run=run)


def number(text: str) -> int:
    """A whole number from a flag; its range is checked where it is used."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a whole number, not {text!r}") from None


def price(text: str) -> float:
    """A price from a flag: US dollars, or the name of a provider."""
    try:
        return PRICES[text] if text in PRICES else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be US dollars or one of {', '.join(PRICES)}, not {text!r}") from None


def seconds(text: str) -> float:
    """A time from a flag; its range is checked where it is used."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number of seconds, not {text!r}") from None


def run(args: argparse.Namespace, registry: Registry) -> int:
    """Attack, save, print; Ctrl-C ends the attack with what it has until then, and exit code 130."""
    from mex.app.cli import INTERRUPTED, OK
    from mex.app.cli.progress import queries_bar
    from mex.app.cli.tables import print_table
    from mex.app.matrix.cells import Cell
    from mex.app.matrix.experiment import measure
    from mex.app.matrix.json_lines import dump
    from mex.oracle import PRICE_PER_QUERY
    from mex.registry.spec import Spec

    parts = {"attack": args.attack, "defense": args.defense, "model": args.model, "dataset": args.data}
    cell = Cell(
        **{kind: registry.resolve(kind, Spec.parse(text)) for kind, text in parts.items()},
        seed=args.seed,
        answers=args.answers,
        budget=args.budget,
        price_per_query=PRICE_PER_QUERY if args.price_per_query is None else args.price_per_query,
    )
    if args.save:
        check_writable(args.save)
    # What a plugin prints is no result.
    with queries_bar(args.attack, args.budget) as on_progress, contextlib.redirect_stdout(sys.stderr):
        record, extraction = measure(registry, cell, on_progress, interruptible=True)
    if args.save:
        save(extraction.hypothesis, args.save)
    if args.json:
        print(dump(record))
    else:
        shown = {k: v for k, v in record.items() if k not in ("curve", "cell") and v is not None}
        print_table(["field", "value"], [[k, f"{v:.6g}" if isinstance(v, float) else str(v)] for k, v in shown.items()])
    return INTERRUPTED if extraction.stopped == "interrupted" else OK


def check_writable(path: Path) -> None:
    """Raise :class:`UsageError` if ``path`` cannot be written, before anything is paid for."""
    try:
        if path.is_dir():
            raise UsageError(f"cannot write {path}: it is a directory")
        part = _part(path)
        part.touch()
        part.unlink()
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None


def save(model: Any, path: Path) -> None:
    """Write a fitted estimator with skops, whole or not at all."""
    import skops.io

    part = _part(path)
    try:
        skops.io.dump(model, part)
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise UsageError(f"cannot write {path}: {error.strerror}") from None


def _part(path: Path) -> Path:
    return path.with_name(path.name + ".part")
