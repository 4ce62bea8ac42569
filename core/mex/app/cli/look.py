"""``mex inspect``: what a dataset holds, as it is read."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from mex.app.cli.output import plugins_aside, print_json
from mex.registry import Registry
from mex.registry.spec import Spec

if TYPE_CHECKING:
    from mex.app.matrix.cells import Cell

SHOWN = 8
"""How many levels of a category are shown."""


def add_commands(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    command = commands.add_parser("inspect", help="what was read of a table: rows, columns by kind, target, classes")
    command.add_argument("data", metavar="DATA", help="a dataset: name, name:key=value, or the name of a CSV file")
    command.add_argument("--json", action="store_true", help="one JSON object on stdout")
    command.set_defaults(run=inspect)


def inspect(args: argparse.Namespace, registry: Registry) -> int:
    """Print the sentence about a dataset, and its columns."""
    from mex.app.cli.tables import print_table
    from mex.app.matrix.scenarios import load_dataset
    from mex.toolkit.tabular.summary import described, summary

    with plugins_aside():
        dataset = load_dataset(registry, registry.resolve("dataset", Spec.of(args.data, "dataset")))
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
    print_table(["column", "kind", "values", "missing"], [_row(column) for column in columns])
    return 0


def what_was_read(registry: Registry, cell: Cell) -> str:
    """The sentence about a dataset as a model is given it, for the first line of a run."""
    from mex.app.matrix.scenarios import is_deployed, load_dataset, set_scene
    from mex.toolkit.tabular.summary import summary

    if is_deployed(registry, cell.model):
        return set_scene(registry, cell.model, cell.dataset, cell.seed).read
    data = load_dataset(registry, cell.dataset)
    if not data.domain.incomplete or registry.load("model", cell.model.name).scope.incomplete:
        return summary(data)
    return f"{summary(data)}; {cell.model.name} takes complete rows only: {len(data.complete().X)} of {len(data.X)}"


def _row(column: dict[str, Any]) -> list[str]:
    if column["range"]:
        values = "{:g} to {:g}".format(*column["range"])
    elif column["levels"]:
        values = ", ".join(map(str, column["levels"][:SHOWN])) + (" …" if len(column["levels"]) > SHOWN else "")
    else:
        values = "false, true"
    return [column["name"], column["kind"], values, "some" if column["missing"] else ""]
