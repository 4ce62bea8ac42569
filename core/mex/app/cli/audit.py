"""``mex audit``: the whole question for one model; ``mex recommend``: which attacks and defenses apply to it."""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mex.app.cli.flags import PRICE_HELP, number, price
from mex.app.cli.output import plugins_aside, print_json, say
from mex.app.cli.system import do_without_semaphores
from mex.app.files import check_writable
from mex.errors import UsageError
from mex.registry import Registry

if TYPE_CHECKING:
    from mex.app.audit.running import Audit
    from mex.app.matrix.run import Run


def add_commands(commands: argparse._SubParsersAction[Any]) -> None:
    """Add both commands."""
    command = commands.add_parser("audit", help="the whole question for one model: chooses, measures, recommends")
    add_subject(command)
    command.add_argument(
        "--depth", default="quick", metavar="D", help="quick, standard or thorough: meant for 3, 15, 60 minutes"
    )
    command.add_argument(
        "--minutes", type=float, metavar="N", help="end after so many minutes (default: 6, 25, 120 by depth)"
    )
    command.add_argument("--price-per-query", type=price, metavar="USD", help=PRICE_HELP)
    command.add_argument("--yes", action="store_true", help="spend what the plan says on an endpoint without asking")
    command.add_argument("--max-usd", type=float, metavar="USD", help="spend no more than this on an endpoint")
    command.add_argument("--out", type=Path, metavar="DIR", help="keep cells and audit.html, .md, .json there; go on")
    command.add_argument("--jobs", type=number, metavar="N", help="processes (default: one a core)")
    command.add_argument("--backend", default="processes", metavar="B", help="processes, or dask with --scheduler")
    command.add_argument("--scheduler", metavar="ADDRESS", help="of a running dask cluster, tcp://HOST:PORT")
    command.add_argument("--compare", type=Path, metavar="OLD.json", help="say what changed since that audit.json")
    command.add_argument(
        "--require",
        action="append",
        metavar="COND",
        help="exit with 3 where an attack breaks it, 4 where not all were judged: 'queries_to_0.99 >= 5000'",
    )
    command.add_argument("--junit", type=Path, metavar="FILE", help="write the attacks as JUnit test cases")
    command.add_argument("--sarif", type=Path, metavar="FILE", help="write findings as SARIF 2.1.0, for code hosts")
    command.add_argument("--json", action="store_true", help="the whole document as one JSON object on stdout")
    command.set_defaults(run=audit)
    command = commands.add_parser("recommend", help="which attacks and defenses apply to a model, and which not")
    add_subject(command)
    command.add_argument("--json", action="store_true", help="one JSON object on stdout")
    command.set_defaults(run=recommend)


def add_subject(command: argparse.ArgumentParser) -> None:
    """Add what says which model is meant."""
    command.add_argument("model", metavar="MODEL", help="a file, python:object=…, endpoint:url=… or a component")
    command.add_argument("data", metavar="DATA", help="rows such as its users send: a CSV or Parquet file, a dataset")


def audit(args: argparse.Namespace, registry: Registry) -> int:
    """Say the plan, ask before money is spent, run it, print the verdict."""
    do_without_semaphores()
    from mex.app.audit.comparing import read_document
    from mex.app.audit.document import document
    from mex.app.audit.gating import required
    from mex.app.cli import INTERRUPTED
    from mex.app.cli.audited import judged, show

    gate = required(args.require or ())
    old = None if args.compare is None else read_document(args.compare)
    for path in filter(None, (args.junit, args.sarif)):
        check_writable(path)
    with contextlib.ExitStack() as stack:
        out = args.out or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mex-audit-")))
        with plugins_aside():
            ready = _ready(args, registry, out)
        _agree_to_cost(args, ready)
        try:
            with plugins_aside():
                outcome = ready.run(_begin, say)
                told = document(outcome)
        except KeyboardInterrupt:
            say(
                f"interrupted; finished cells are kept in {args.out}: run the same command again to go on"
                if args.out
                else "interrupted; with --out DIR finished cells are kept"
            )
            return INTERRUPTED
    show(args, told, old)
    return judged(args, outcome, told, gate)


def _ready(args: argparse.Namespace, registry: Registry, out: Path) -> Audit:
    from mex.app.audit.depth import depth_called, plan_minutes
    from mex.app.audit.planning import plan_sentences
    from mex.app.audit.running import Audit
    from mex.app.audit.subject import open_subject
    from mex.app.matrix.backends import Workers, cores
    from mex.oracle import PRICE_PER_QUERY
    from mex.registry.spec import Spec

    depth = depth_called(args.depth)
    minutes = plan_minutes(depth, args.minutes)
    workers = Workers(
        cores() if args.jobs is None else args.jobs, args.backend, args.scheduler, fork=sys.platform == "linux"
    )
    subject = open_subject(registry, Spec.of(args.model, "model"), Spec.of(args.data, "dataset"))
    if subject.costs_money and not args.out:
        raise UsageError("each row of an endpoint may cost money: name a directory that keeps the answers, --out DIR")
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        check_writable(args.out / "audit.json")
    cost = PRICE_PER_QUERY if args.price_per_query is None else args.price_per_query
    ready = Audit(subject, depth, out, workers, cost, minutes=minutes)
    if subject.read:
        say(subject.read)
    for sentence in plan_sentences(ready):
        say(sentence)
    return ready


def _agree_to_cost(args: argparse.Namespace, ready: Audit) -> None:
    """Ask before rows are paid for; raise :class:`UsageError` where nobody can be asked or the answer is no."""
    from mex.app.audit.planning import most_rows

    if not ready.subject.costs_money:
        return
    dollars = most_rows(ready) * ready.price
    if args.max_usd is not None and dollars > args.max_usd:
        raise UsageError(
            f"this audit may cost up to ${dollars:.2f}, above --max-usd {args.max_usd:g}: take a lesser --depth or more"
        )
    if args.yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(f"this audit may cost up to ${dollars:.2f} and nobody can be asked: say --yes if you agree")
    print(f"mex: this may cost up to ${dollars:.2f}. Go on? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UsageError("nothing was asked beyond what opening the model took")


def _begin(name: str, run: Run) -> None:
    kept = f", {run.kept} of them kept from before" if run.kept else ""
    say(f"{name}: {len(run.cells)} cells{kept}")


def recommend(args: argparse.Namespace, registry: Registry) -> int:
    """Print which attacks and defenses apply, and why the others do not."""
    from mex.app.audit.planning import recommended
    from mex.app.audit.subject import open_subject
    from mex.app.cli.tables import print_table
    from mex.registry.spec import Spec

    with plugins_aside():
        subject = open_subject(registry, Spec.of(args.model, "model"), Spec.of(args.data, "dataset"))
        rows = recommended(subject)
    if args.json:
        print_json({"model": str(subject.model), "data": str(subject.dataset), "components": rows})
        return 0
    applies = [row for row in rows if row["applies"]]
    print_table(["kind", "component", "from", "for"], [[r["kind"], r["name"], r["reads"], r["why"]] for r in applies])
    print(f"{len(rows) - len(applies)} others do not apply: --json says why", file=sys.stderr)
    return 0
