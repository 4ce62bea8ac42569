"""``mex inspect``: what a dataset holds, as it is read; or what was understood of a model."""

from __future__ import annotations

import argparse
from typing import Any

from mex.app.cli.output import plugins_aside, print_json
from mex.errors import UsageError
from mex.registry import Registry
from mex.registry.spec import Spec


def add_commands(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    command = commands.add_parser("inspect", help="what was read of a table, or understood of a model that is deployed")
    command.add_argument(
        "what", metavar="WHAT", help="a dataset or a model: name:key=value, or the name of a file of rows or of a model"
    )
    command.add_argument("--data", metavar="DATASET", help="of a model: the table that it is asked about")
    command.add_argument("--json", action="store_true", help="one JSON object on stdout")
    command.set_defaults(run=inspect)


def inspect(args: argparse.Namespace, registry: Registry) -> int:
    """Print the sentence about a dataset, and its columns; or what was understood of a model."""
    what = Spec.of(args.what)
    if what.name == "csv" and _is_of_lightgbm(args.what):
        what = Spec.of(args.what, "model")
    there = [*registry.provided("dataset"), *registry.provided("model")]
    if [p.component.kind for p in there if p.component.name == what.name] == ["model"]:
        from mex.app.cli.understood import show, understood

        data = None if args.data is None else registry.resolve("dataset", Spec.of(args.data, "dataset"))
        with plugins_aside():
            about = understood(registry, registry.resolve("model", what), data)
        show(about, args.json)
        return 0
    if args.data is not None:
        raise UsageError(f"--data is the table of a model, and {args.what} is none")
    from mex.app.cli.tables import print_columns
    from mex.app.matrix.scenarios import load_dataset
    from mex.toolkit.tabular.summary import described, summary

    with plugins_aside():
        dataset = load_dataset(registry, registry.resolve("dataset", what))
    columns = [described(column) for column in dataset.schema.columns] if dataset.schema else []
    if args.json:
        about = {
            "name": dataset.name,
            "rows": len(dataset.X),
            "features": dataset.domain.n_features,
            "task": dataset.task,
            "target": dataset.target,
            "classes": list(dataset.class_names),
            "columns": columns,
            "notes": list(dataset.notes),
        }
        print_json(about)
        return 0
    print(summary(dataset) + "\n")
    print_columns(columns)
    return 0


def _is_of_lightgbm(path: str) -> bool:
    """Whether a text file is a model of LightGBM, and no table."""
    try:
        with open(path, "rb") as file:
            return file.readline().strip() == b"tree"
    except OSError:
        return False
