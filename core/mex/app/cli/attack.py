"""``mex attack``: one attack on one model, and the stolen model in a file."""

from __future__ import annotations

import argparse
import functools
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mex.app.cli.flags import EVALUATION_HELP, PRICE_HELP, number, price
from mex.app.cli.output import StdoutError, plugins_aside, print_line, say
from mex.app.cli.system import do_without_semaphores
from mex.app.files import check_writable, replacing
from mex.errors import UsageError
from mex.registry import Registry

if TYPE_CHECKING:
    from mex.app.matrix.record import Record
    from mex.types import Estimator


def add_commands(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    command = commands.add_parser("attack", help="steal one model and say what it took")
    command.add_argument("attack", metavar="ATTACK", help="an attack: name or name:key=value,key=value")
    command.add_argument(
        "-m", "--model", required=True, help="the model to steal: a name, a file, python:object=… (mex list-plugins)"
    )
    command.add_argument(
        "--data", required=True, metavar="DATASET", help="the dataset it is fitted on, or rows of a deployed model"
    )
    command.add_argument("-d", "--defense", default="none", help="what answers instead of it; nest with ' + '")
    command.add_argument(
        "--answers", metavar="KIND", help="label, proba, leaf, value or a plugin's (default: its usual)"
    )
    command.add_argument("--budget", default=1000, type=number, metavar="N", help="queries at most (default 1000)")
    command.add_argument("--seed", default=0, type=number, metavar="S", help="default 0")
    command.add_argument("--price-per-query", default=None, type=price, metavar="USD", help=PRICE_HELP)
    command.add_argument("--out", type=Path, metavar="DIR", help="keep what is asked there; go on from there")
    command.add_argument("--evaluation-budget", type=number, metavar="N", help=EVALUATION_HELP)
    command.add_argument("--save", type=Path, metavar="FILE", help="write the stolen model there, in skops' format")
    command.add_argument("--describe", type=Path, metavar="FILE", help="write there in words what the stolen model is")
    command.add_argument("--json", action="store_true", help="the record as one JSON line on stdout")
    command.set_defaults(run=run)


def run(args: argparse.Namespace, registry: Registry) -> int:
    """Attack, print, save; Ctrl-C, or a target that fails, ends the attack with what it has until then."""
    do_without_semaphores()
    from mex.app.cli import FAILED, INTERRUPTED, OK
    from mex.app.cli.conclusion import keep_untold
    from mex.app.matrix.cells import Cell
    from mex.app.matrix.experiment import measure
    from mex.app.matrix.ledgers import kept_in
    from mex.app.matrix.looking import what_was_read
    from mex.app.matrix.paid import with_evaluation_budget
    from mex.app.matrix.results import Results
    from mex.app.progress import queries_bar
    from mex.oracle import PRICE_PER_QUERY
    from mex.registry.spec import Spec

    model = Spec.parse(args.model, "model")
    if args.evaluation_budget is not None:
        model = with_evaluation_budget({args.model: model}, args.evaluation_budget, registry)[args.model]
    parts = {"attack": args.attack, "defense": args.defense, "model": model, "dataset": args.data}
    with plugins_aside():
        specs = {kind: registry.resolve(kind, Spec.of(text, kind)) for kind, text in parts.items()}
    cell = Cell(
        **specs,
        seed=args.seed,
        answers=args.answers,
        budget=args.budget,
        price_per_query=PRICE_PER_QUERY if args.price_per_query is None else args.price_per_query,
    )
    for path in filter(None, (args.save, args.describe)):
        check_writable(path)
    results = Results(args.out) if args.out else None
    if results and not (args.save or args.describe) and cell.key in results.records:
        print(f"mex: the attack is in {args.out} already", file=sys.stderr)
        _show(results.records[cell.key], args.json)
        return OK

    @functools.cache
    def tell() -> None:
        """Say what was read, once, when nothing has been got wrong."""
        print(f"mex: {what_was_read(registry, cell)}", file=sys.stderr)

    bar = queries_bar(args.attack, args.budget)
    with plugins_aside(), bar as count, kept_in(args.out):

        def on_progress(queries: int) -> None:
            tell()
            count(queries)

        record, extraction = measure(registry, cell, on_progress, interruptible=True)
    unfinished = extraction.stopped in ("interrupted", "failed")
    if results and not unfinished:
        results.append(record)
    lost = False
    try:
        _show(record, args.json)
        sys.stdout.flush()
    except StdoutError as error:
        lost = keep_untold(error, [record], args.out)
    if results:
        results.finish()
        if results.unwritten:
            lost = True
            say(results.unwritten)
    if args.save:
        with plugins_aside():
            lost |= not _saved(extraction.hypothesis, args.save)
    if args.describe:
        _described(extraction.hypothesis, args.describe)
    if extraction.stopped == "failed":
        print(f"mex: {extraction.note}; this is what the attack had until then", file=sys.stderr)
    if unfinished and args.out:
        print(f"mex: what was asked is kept in {args.out}; the same command again goes on", file=sys.stderr)
    return {"interrupted": INTERRUPTED, "failed": FAILED}.get(extraction.stopped, FAILED if lost else OK)


def _show(record: Record, as_json: bool) -> None:
    """Print a record, as a line or as sentences and a small table."""
    from mex.app.cli.attacked import tell
    from mex.app.matrix.json_lines import dump

    if as_json:
        print_line(dump(record))
    else:
        tell(record)


def _described(hypothesis: Estimator, path: Path) -> None:
    """Write what a stolen model says of itself, if it does."""
    if not hasattr(hypothesis, "describe"):
        say(f"the stolen model is a {type(hypothesis).__name__}, which says nothing of itself: {path} is not written")
        return
    lines: list[str] = hypothesis.describe()
    with replacing(path) as part:
        part.write_text("\n".join([*lines, ""]), encoding="utf-8")


def _saved(hypothesis: Estimator, path: Path) -> bool:
    """Write the stolen model to a file, or aside if that cannot be, and say how it is read; whether it is there."""
    import skops.io

    place, trouble = path, ""
    try:
        _save(hypothesis, path)
    except UsageError as error:  # the model is paid for
        try:
            place, trouble = Path(tempfile.mkdtemp(prefix="mex-stolen-")) / path.name, f"{error}, so it was "
            _save(hypothesis, place)
        except OSError:
            raise error from None
    trusted = skops.io.get_untrusted_types(file=place)
    say(f"{trouble}saved; skops.io.load({str(place)!r}{f', trusted={trusted}' if trusted else ''}) reads it")
    return not trouble


def _save(hypothesis: Estimator, path: Path) -> None:
    import skops.io

    with replacing(path) as part:
        skops.io.dump(hypothesis, part)
