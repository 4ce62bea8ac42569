"""``mex export``: a model behind a defense as a folder that MLServer or MLflow serves."""

from __future__ import annotations

import argparse
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
    command.add_argument("-m", "--model", required=True, help="the model: a file, python:object=…")
    command.add_argument(
        "--data", required=True, metavar="DATASET", help="rows as its users send them; defenses that learn do so here"
    )
    command.add_argument("-d", "--defense", default="none", help="what stands before it; nest with ' + '")
    command.add_argument("--to", required=True, choices=SERVERS, help="the server")
    command.add_argument("--name", default="model", help="what clients call it (default model)")
    command.add_argument(
        "--answers", choices=("label", "proba"), default="label", help="what MLflow answers (default label)"
    )
    command.add_argument("folder", type=Path, metavar="DIR", help="where; it is made")
    command.set_defaults(run=run)


def run(args: argparse.Namespace, registry: Registry) -> int:
    """Open the model, put the defense before it, write the folder, and say how it is served."""
    from mex.app.matrix.scenarios import is_deployed, load_table, open_deployed
    from mex.registry.spec import Spec
    from mex.serving import DefendedClassifier, DefendedRegressor
    from mex.serving.export import export
    from mex.toolkit.ledger.target import Remote

    with plugins_aside():
        model, dataset, defense = (
            registry.resolve(kind, Spec.of(text, kind))
            for kind, text in (("model", args.model), ("dataset", args.data), ("defense", args.defense))
        )
        if not is_deployed(registry, model):
            raise UsageError(f"{model.name} is fitted anew: export a model of yours, file:path=… or python:object=…")
        target, held = open_deployed(registry, model, dataset)
        if isinstance(target.estimator, Remote):
            raise UsageError("an endpoint is served already: mex serve puts a defense before it")
        columns = load_table(registry, dataset).columns if target.schema is not None else held.X
        kind = DefendedRegressor if target.classes is None else DefendedClassifier
        served = kind.wrap(
            target.estimator, registry.build("defense", defense), columns, held.y, classes=_classes(target)
        )
        export(served, args.to, args.folder, name=args.name, proba=args.answers == "proba")
    command = "mlserver start" if args.to == "mlserver" else "mlflow models serve --env-manager local -m"
    say(f"saved; pip install -r {args.folder / 'requirements.txt'}, then: {command} {args.folder}")
    if args.defense != "none":
        say(f"{args.folder} holds the key of the defense: who reads it can undo noise")
    return 0


def _classes(target: Any) -> Any:
    return None if hasattr(target.estimator, "classes_") else target.classes
