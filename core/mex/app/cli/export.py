"""``mex export``: a model behind a defense as a folder that MLServer or MLflow serves."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from mex.app.cli.output import plugins_aside, say
from mex.errors import UsageError
from mex.registry import Registry

SERVERS = ("mlserver", "mlflow")


def add_commands(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    command = commands.add_parser(
        "export",
        help="write a model behind a defense as a folder that MLServer or MLflow serves",
        description="The model in the folder answers as it does in a matrix, behind a defense that remembers nothing.",
    )
    add = command.add_argument
    add("model", metavar="MODEL", help="a model of yours: a file, python:object=…")
    add("folder", type=Path, metavar="DIR", help="where; it is made")
    add("--to", required=True, choices=SERVERS, help="the server")
    add("-d", "--defense", default="none", help="what stands before it; nest with ' + '")
    add("--data", metavar="DATASET", help="rows that its users send: a defense may learn from them")
    add("--name", default="model", help="of the model in URLs (default model)")
    add("--answers", choices=("label", "proba"), default="label", help="what MLflow answers (default label)")
    add("--secret", metavar="NAME", help="variable of the environment with the key of sticky noise (default: drawn)")
    command.set_defaults(run=run)


def run(args: argparse.Namespace, registry: Registry) -> int:
    """Open the model, put the defense before it, write the folder, and say how it is served."""
    from mex.app.matrix.scenarios import is_deployed, load_table
    from mex.registry.spec import Spec
    from mex.serving import DefendedClassifier, DefendedRegressor
    from mex.serving.export import export
    from mex.toolkit.ledger.target import Remote
    from mex.toolkit.tabular.holding import hold

    if args.secret is not None and not os.environ.get(args.secret):
        raise UsageError(f"the environment has no {args.secret}, which --secret names")
    with plugins_aside():
        model = registry.resolve("model", Spec.of(args.model, "model"))
        if not is_deployed(registry, model):
            raise UsageError(f"{model.name} is fitted anew: export a model of yours, file:path=… or python:object=…")
        table = (
            None
            if args.data is None
            else load_table(registry, registry.resolve("dataset", Spec.of(args.data, "dataset")))
        )
        target = registry.build("model", model).open(table)
        if isinstance(target.estimator, Remote):
            raise UsageError("an endpoint is served already: mex serve puts a defense before it")
        held = None if table is None else hold(target, table)
        rows = None if table is None or held is None else held.X if target.schema is None else table.columns
        kind = DefendedRegressor if target.classes is None else DefendedClassifier
        served = kind.wrap(
            target.estimator,
            registry.build("defense", registry.resolve("defense", Spec.of(args.defense, "defense"))),
            rows,
            None if held is None else held.y,
            classes=None if hasattr(target.estimator, "classes_") else target.classes,
            secret=None if args.secret is None else os.environ[args.secret],
        )
        export(served, args.to, args.folder, name=args.name, proba=args.answers == "proba")
    command = "mlserver start" if args.to == "mlserver" else "mlflow models serve --env-manager local -m"
    say(f"saved; pip install -r {args.folder / 'requirements.txt'}, then: {command} {args.folder}")
    if args.defense != "none":
        say(f"{args.folder} holds the key of the defense: who reads it can undo noise")
    return 0
