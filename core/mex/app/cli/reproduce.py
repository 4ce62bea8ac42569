"""``mex reproduce``: the paper's tables and figures beside what is measured here."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mex.app.cli.flags import number
from mex.app.cli.output import plugins_aside, print_line, say
from mex.app.cli.system import do_without_semaphores
from mex.errors import UsageError
from mex.registry import Registry

if TYPE_CHECKING:
    from mex.app.reproduce.lines import Outcome

ALL = "all"
PAGE = "reproduction"


def add_commands(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    command = commands.add_parser(
        "reproduce",
        help="the paper's tables, figures and claims, beside what is measured here",
        description="Without a name: what can be reproduced.",
    )
    command.add_argument("names", nargs="*", metavar="NAME", help="such as figure-3, several, or all")
    command.add_argument("--quick", action="store_true", help="a reduced run, of about a minute each")
    command.add_argument("--seeds", type=number, metavar="N", help="how many seeds: 0 to N-1")
    command.add_argument("--jobs", type=number, default=None, metavar="N", help="processes (default: one a core)")
    command.add_argument("--out", type=Path, metavar="DIR", help="keep every cell and a page there; go on from there")
    command.add_argument(
        "--plan", action="store_true", help="print the matrix file, to copy and change, and run nothing"
    )
    command.add_argument("--format", choices=("table", "markdown", "json"), default="table", help="of what is printed")
    command.set_defaults(run=run)


def run(args: argparse.Namespace, registry: Registry) -> int:
    """List, print the files, or run; exit code 1 if a cell failed, 130 if interrupted."""
    from mex.app.cli import INTERRUPTED
    from mex.app.cli.tables import print_table
    from mex.app.reproduce.experiment import HERE, load, names

    if not args.names:
        experiments = [load(name) for name in names()]
        print_table(["name", "what", "in the paper"], [[e.name, e.title, e.section] for e in experiments])
        return 0
    if ALL in args.names and len(args.names) > 1:
        raise UsageError(f"{ALL} stands alone, and {', '.join(args.names)} were given")
    chosen = [load(name) for name in (names() if args.names == [ALL] else args.names)]
    if args.plan:
        for experiment in chosen:
            print((HERE / f"{experiment.name}.toml").read_text(encoding="utf-8"), end="")
        return 0
    do_without_semaphores()
    outcomes: list[Outcome] = []
    for experiment in chosen:
        try:
            outcomes.append(_outcome(experiment, args, registry))
        except KeyboardInterrupt:
            hint = (
                f"run the same command again to go on from {args.out}" if args.out else "--out DIR keeps what is done"
            )
            say(f"interrupted in {experiment.name}; {hint}")
            return INTERRUPTED
        _print(outcomes[-1], args.format)
        if args.out:
            _keep(args.out, outcomes)
    return 1 if any(outcome.failed for outcome in outcomes) else 0


def _outcome(experiment: Any, args: argparse.Namespace, registry: Registry) -> Outcome:
    """Run one experiment, with a bar on a terminal."""
    from mex.app.matrix.backends import Workers, cores
    from mex.app.progress import CellsBar
    from mex.app.reproduce.lines import outcome
    from mex.app.reproduce.running import prepare, records_of

    workers = Workers(cores() if args.jobs is None else args.jobs, fork=sys.platform == "linux")
    out = args.out and args.out / (experiment.name + ("-quick" if args.quick else ""))
    with plugins_aside():
        ready = prepare(experiment, registry, quick=args.quick, seeds=args.seeds, workers=workers, out=out)
        if ready.kept:
            say(f"{experiment.name}: {ready.kept} of {len(ready.cells)} cells are in {out} already")
        with CellsBar(len(ready.cells), ready.kept, registry):
            records = list(records_of(experiment, ready))
    return outcome(experiment, ready.plan, records, args.quick)


def _print(outcome: Outcome, form: str) -> None:
    from mex.app.cli.documents import markdown
    from mex.app.cli.tables import print_table
    from mex.app.reproduce.pages import table

    found = table(outcome)
    if form == "json":
        for line in outcome.lines:
            print_line(json.dumps({"experiment": outcome.experiment.name, **_plain(line)}))
    elif form == "markdown":
        print(markdown(found), end="\n\n")
    else:
        print_table(found.header, found.rows, found.title, right=(2, 3, 4))
        for note in found.notes:
            print(note)
        print()


def _plain(line: Any) -> dict[str, Any]:
    """A line as JSON; an infinite number is null."""
    import math

    import attrs

    def finite(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: finite(inner) for key, inner in value.items()}
        return None if isinstance(value, float) and not math.isfinite(value) else value

    return {key: finite(value) for key, value in attrs.asdict(line).items()}


def _keep(out: Path, outcomes: list[Outcome]) -> None:
    """Write what there is so far as a page and as a document."""
    from mex.app.files import replacing
    from mex.app.reproduce.pages import markdown, write_html

    write_html(out / f"{PAGE}.html", outcomes)
    with replacing(out / f"{PAGE}.md") as part:
        part.write_text(markdown(outcomes), encoding="utf-8")
