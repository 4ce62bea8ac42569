"""``mex new-plugin``: a complete package that passes its own tests."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from mex.hooks import KINDS
from mex.registry import Registry


def add_commands(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    command = commands.add_parser("new-plugin", help="write a complete package that passes its own tests")
    command.add_argument("kind", choices=KINDS, metavar="KIND", help=", ".join(KINDS))
    command.add_argument("name", metavar="NAME", help="of the component, in kebab-case: corner-guess")
    command.add_argument(
        "--into", type=Path, default=Path(), metavar="DIR", help="where the folder mex-NAME is made (default: here)"
    )
    command.set_defaults(run=new_plugin)


def new_plugin(args: argparse.Namespace, registry: Registry) -> int:
    """Write the package, and say what to do with it."""
    from mex.app import scaffold

    folder = scaffold.new_plugin(args.kind, args.name, args.into, registry)
    print(f"{folder}: the {args.kind} {args.name}, its tests and its README. Next:\n")
    print(f"cd {folder}\npip install -e '.[test]'\npytest\nmex show {args.kind} {args.name}")
    return 0
