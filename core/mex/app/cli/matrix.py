"""``mex matrix``: attacks × defenses × models × datasets × seeds."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mex.app.cli.attack import PRICE_HELP, number, price, seconds
from mex.errors import UsageError
from mex.registry import Registry

if TYPE_CHECKING:
    from mex.app.matrix.cells import Cell
    from mex.app.matrix.record import Record
    from mex.app.matrix.results import Results

GATE = 3
"""The exit code where the condition of a gate holds."""
LEVEL = 0.99
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
    command.add_argument("--answers", metavar="KIND", help="label, proba, leaf or value (default: each model's usual)")
    command.add_argument("--budget", type=number, metavar="N", help="queries at most in each cell")
    command.add_argument("--seeds", type=number, metavar="N", help="how many seeds: 0 to N-1")
    command.add_argument("--price-per-query", type=price, metavar="USD", help=PRICE_HELP)
    command.add_argument("--jobs", type=number, default=None, metavar="N", help="processes (default: one a core)")
    command.add_argument("--backend", default="loky", metavar="B", help="loky (default), or dask with --scheduler")
    command.add_argument("--scheduler", metavar="ADDRESS", help="of a running dask cluster, tcp://HOST:PORT")
    command.add_argument("--time-limit", type=seconds, metavar="S", help="seconds after which a cell has failed")
    command.add_argument("--out", type=Path, metavar="DIR", help="keep every finished cell there; go on from there")
    command.add_argument("--retry-failed", action="store_true", help="run the cells in DIR that failed once more")
    command.add_argument("--json", action="store_true", help="one JSON line per cell on stdout")
    command.add_argument("--format", choices=FORMS, help="of what is printed (default: a table; tsv in a pipe)")
    command.add_argument("--level", type=float, default=LEVEL, metavar="A", help="the agreement to reach (0.99)")
    command.add_argument("--curves", action="store_true", help="learning curves under the numbers")
    command.add_argument(
        "--fail-if", action="append", metavar="COND", help="exit with 3 where it holds: 'queries_to_0.99 < 500'"
    )
    command.add_argument("--junit", type=Path, metavar="FILE", help="write the pairs as JUnit test cases")
    command.set_defaults(run=run)


def run(args: argparse.Namespace, registry: Registry) -> int:
    """Run the plan and print its records or its table.

    Exit code 1 if a cell failed, 3 if the gate did, 130 if interrupted.
    """
    from mex.app.analysis.aggregate import compare
    from mex.app.analysis.gate import Condition, violations, write_junit
    from mex.app.api import DEFAULT
    from mex.app.cli.attack import check_writable
    from mex.app.cli.progress import CellsBar
    from mex.app.cli.summary import print_comparisons, reasons
    from mex.app.matrix import provenance
    from mex.app.matrix.engine import Workers, records
    from mex.app.matrix.json_lines import dump
    from mex.app.matrix.plan import AXES, SETTINGS, Plan, read
    from mex.app.matrix.results import Results

    tables = read(args.file) if args.file else {}
    given = {key: getattr(args, key) for key in (*AXES, *SETTINGS) if getattr(args, key) is not None}
    tables = {**(DEFAULT if not args.file else {}), **tables, **given}
    plan = Plan.of(tables).resolve(registry)
    conditions = [Condition.parse(text) for text in (*plan.fail_if, *(args.fail_if or ()))]
    if args.junit:
        check_writable(args.junit)
    if not 0 < args.level <= 1:
        raise UsageError(f"--level must be an agreement above 0 and at most 1, not {args.level:g}")
    cells = plan.cells()
    jobs = args.jobs if args.jobs is not None else min(len(cells), _cores())
    workers = Workers(jobs, args.backend, args.scheduler, args.time_limit)
    results = Results(args.out) if args.out else None
    if results and args.retry_failed:
        results.forget_failed()
    for change in provenance.write(args.out, plan, registry) if args.out else []:
        _say(f"{args.out} was made with {change}: numbers may differ")
    for complaint in results.complaints() if results else []:
        _say(complaint)
    done = _kept(cells, results)
    if done:
        _say(f"{done} of {len(cells)} cells are in {args.out} already")
    finished: list[Record] = []
    try:
        with CellsBar(len(cells), done) as bar:
            registry.manager.register(bar)
            for record in records(registry, cells, workers, results):
                finished.append(record)
                if args.json:
                    print(dump(record), flush=True)
    except KeyboardInterrupt:
        kept = _kept(cells, results)
        hint = f"{kept} of {len(cells)} cells are kept in {args.out}; run the same command again to go on"
        _say(f"interrupted; {hint if args.out else 'with --out DIR finished cells are kept'}")
        return 130
    found = compare(finished, plan)
    if not args.json:
        print_comparisons(found, args.format, args.level, args.curves)
        for line in reasons(finished):
            print(line, file=sys.stderr)
    if args.junit:
        write_junit(args.junit, found, conditions)
    failed = sum(record["status"] == "failed" for record in finished)
    if failed:
        _say(f"{failed} of {len(cells)} cells failed")
    gate = violations(found, conditions)
    for comparison, group, sentence in gate:
        _say(f"gate: {group.attack} against {group.defense} on {comparison.model}, {comparison.dataset}: {sentence}")
    return GATE if gate else 1 if failed else 0


def _kept(cells: list[Cell], results: Results | None) -> int:
    return sum(cell.identity()["cell"] in results.records for cell in cells) if results else 0


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def _say(sentence: str) -> None:
    print(f"mex: {sentence}", file=sys.stderr)
