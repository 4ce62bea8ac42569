"""``mex inspect``: what a dataset holds, as it is read."""

from __future__ import annotations

import argparse
import json
from typing import Any

from mex.registry import Registry
from mex.registry.spec import Spec

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
        print(json.dumps(about, ensure_ascii=False))
        return 0
    print(summary(dataset) + "\n")
    print_table(["column", "kind", "values", "missing"], [_row(column) for column in columns])
    return 0


def _row(column: dict[str, Any]) -> list[str]:
    if column["range"]:
        values = "{:g} to {:g}".format(*column["range"])
    elif column["levels"]:
        values = ", ".join(map(str, column["levels"][:SHOWN])) + (" …" if len(column["levels"]) > SHOWN else "")
    else:
        values = "false, true"
    return [column["name"], column["kind"], values, "some" if column["missing"] else ""]
