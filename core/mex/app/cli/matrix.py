"""``mex matrix``: attacks × defenses × models × datasets × seeds."""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from mex.app.cli.conclusion import Tally, conclude
from mex.app.cli.flags import EVALUATION_HELP, PRICE_HELP, answers, level, number, price, seconds
from mex.app.cli.output import StdoutError, plugins_aside, print_line, say
from mex.app.cli.system import do_without_semaphores
from mex.app.files import check_writable
from mex.registry import Registry

if TYPE_CHECKING:
    from mex.app.matrix.run import Run

LEVEL = 0.99
ON = ("any", "median")
FORMS = ("table", "markdown", "csv", "tsv", "latex", "json")


def add_commands(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    command = commands.add_parser(
        "matrix",
        help="run attacks against defenses and print what each buys",
        description="Without arguments: a small matrix on real data. Flags replace what the file says.",
    )
    command.add_argument("file", nargs="?", type=Path, metavar="FILE.toml", help="the plan")
    for flag, axis, kind in (
        ("-a", "attacks", "attack"),
        ("-d", "defenses", "defense"),
        ("-m", "models", "model"),
        (None, "datasets", "data"),
    ):
        names = [flag, f"--{kind}"] if flag else [f"--{kind}"]
        command.add_argument(
            *names, dest=axis, action="append", metavar=kind.upper(), help=f"one of the {axis}; repeat"
        )
    command.add_argument(
        "--answers",
        type=answers,
        metavar="KIND",
        help="label, proba, leaf, value or a plugin's; several with commas, or all of a model (default: its usual)",
    )
    command.add_argument(
        "--no-counters",
        dest="counters",
        action="store_const",
        const=False,
        help="leave out the attacks that are added because they know a defense",
    )
    command.add_argument("--budget", type=number, metavar="N", help="queries at most in each cell")
    command.add_argument("--evaluation-budget", type=number, metavar="N", help=EVALUATION_HELP)
    command.add_argument("--seeds", type=number, metavar="N", help="how many seeds: 0 to N-1")
    command.add_argument("--price-per-query", type=price, metavar="USD", help=PRICE_HELP)
    command.add_argument("--jobs", type=number, default=None, metavar="N", help="processes (default: one a core)")
    command.add_argument("--backend", default="processes", metavar="B", help="processes, or dask with --scheduler")
    command.add_argument("--scheduler", metavar="ADDRESS", help="of a running dask cluster, tcp://HOST:PORT")
    command.add_argument("--time-limit", type=seconds, metavar="S", help="seconds after which a cell has failed")
    command.add_argument("--out", type=Path, metavar="DIR", help="keep every finished cell there; go on from there")
    command.add_argument("--ledger", action="store_true", help="keep every question and answer in DIR/ledgers")
    command.add_argument("--retry-failed", action="store_true", help="run the cells in DIR that failed once more")
    command.add_argument("--json", action="store_true", help="one JSON line per cell on stdout")
    command.add_argument("--format", choices=FORMS, help="of what is printed (default: a table; tsv in a pipe)")
    command.add_argument("--level", type=level, default=LEVEL, metavar="A", help="the agreement to reach (0.99)")
    command.add_argument("--curves", action="store_true", help="learning curves under the numbers")
    command.add_argument(
        "--fail-if", action="append", metavar="COND", help="exit with 3 where it holds: 'queries_to_0.99 < 500'"
    )
    command.add_argument(
        "--fail-on",
        choices=ON,
        help="any seed (default), or the median over seeds; exit with 4 if no cell has a value",
    )
    command.add_argument("--junit", type=Path, metavar="FILE", help="write the pairs as JUnit test cases")
    command.set_defaults(run=run)


def run(args: argparse.Namespace, registry: Registry) -> int:
    """Run the plan and print its records or its table.

    Exit code 1 if a cell failed, 3 if the gate did, 4 if it had nothing to judge, 130 if interrupted.
    """
    from mex.app.cli import INTERRUPTED

    do_without_semaphores()
    if args.junit:
        check_writable(args.junit)
    with plugins_aside():
        ready = _ready(args, registry)
    try:
        with plugins_aside() as out:
            tally = _carry_out(ready, args, out)
    except KeyboardInterrupt:
        hint = f"{ready.kept} of {len(ready.cells)} cells are kept in {args.out}; run the same command again to go on"
        say(f"interrupted; {hint if args.out else 'with --out DIR finished cells are kept'}")
        return INTERRUPTED
    return conclude(ready, tally, args)


def _ready(args: argparse.Namespace, registry: Registry) -> Run:
    """The run that the flags and the file ask for, with what has to be said about its directory."""
    from mex.app.matrix.backends import Workers, cores
    from mex.app.matrix.counters import sentences
    from mex.app.matrix.plan import KEYS, read
    from mex.app.matrix.run import Run, tables_beside

    given = {key: getattr(args, key) for key in KEYS if getattr(args, key) is not None}
    tables = read(args.file) if args.file else tables_beside(given)
    jobs = cores() if args.jobs is None else args.jobs
    workers = Workers(jobs, args.backend, args.scheduler, args.time_limit, fork=sys.platform == "linux")
    ready = Run(
        {**tables, **given},
        registry,
        workers=workers,
        out=args.out,
        retry_failed=args.retry_failed,
        ledger=args.ledger,
        fail_if=args.fail_if or (),
        fail_on=args.fail_on,
        on_read=say,
    )
    for sentence in sentences(ready.plan):
        say(f"{sentence}; --no-counters leaves it out")
    for change in ready.changes:
        say(f"{args.out} was made with {change}: numbers may differ")
    for complaint in ready.results.complaints() if ready.results else []:
        say(complaint)
    return ready


def _carry_out(ready: Run, args: argparse.Namespace, out: TextIO) -> Tally:
    """Run the cells, with a bar on a terminal and each record on ``out`` if asked for, until it takes no more."""
    from mex.app.matrix.json_lines import dump
    from mex.app.progress import CellsBar

    tally, kept = Tally(), ready.kept
    if kept:
        say(f"{kept} of {len(ready.cells)} cells are in {args.out} already")
    needed = not args.json or args.junit or ready.gate.conditions
    mixed = args.json and out.isatty()  # with the bar
    bar = CellsBar(len(ready.cells), kept, ready.registry, shown=not mixed)
    with bar, contextlib.closing(iter(ready)) as records:
        for record in records:
            tally.failed += record["status"] == "failed"
            if needed:
                tally.records.append(record)
            try:
                if args.json:
                    print_line(dump(record), out)
            except StdoutError as error:
                tally.lost = error, record
                break
    return tally
