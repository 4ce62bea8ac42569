"""``mex completion``: tab completion of commands, components and their parameters."""

from __future__ import annotations

import argparse
from typing import Any

from mex.app.completion.shells import SCRIPTS
from mex.registry import Registry


def add_commands(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command, and the one that the shells' scripts call, which no help page lists."""
    command = commands.add_parser("completion", help='tab completion: eval "$(mex completion bash)" in ~/.bashrc')
    command.add_argument("shell", choices=tuple(SCRIPTS), metavar="SHELL", help=", ".join(SCRIPTS))
    command.set_defaults(run=completion)
    command = commands.add_parser("complete", prefix_chars="\0", add_help=False)
    command.add_argument("shell", choices=tuple(SCRIPTS))
    command.add_argument("told", nargs="*")
    command.set_defaults(run=complete)


def completion(args: argparse.Namespace, registry: Registry) -> int:
    """Print what the shell loads."""
    print(SCRIPTS[args.shell], end="")
    return 0


def complete(args: argparse.Namespace, registry: Registry) -> int:
    """Print what may stand for the last word of the line that a shell tells."""
    from mex.app.cli import parser
    from mex.app.cli.output import plugins_aside
    from mex.app.completion.shells import lines, words_of
    from mex.app.completion.words import candidates

    words = words_of(args.shell, args.told)
    with plugins_aside():
        found = candidates(words, parser(registry), registry)
    for line in lines(args.shell, args.told, found):
        print(line)
    return 0
