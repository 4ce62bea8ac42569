"""The command line. Heavy imports stay inside the commands, so that listing plugins is instant."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import mex
from mex.errors import Incompatible, MexError, UsageError, by_model
from mex.registry import Registry
from mex.registry.loader import OURS_ALONE, load_registry

COMMANDS = (
    *("attack", "audit", "matrix", "report", "reproduce"),
    *("inspect", "look", "bounds", "ledger"),
    *("serve", "export", "new_plugin", "completion"),
)
"""The modules that add commands, in the order of the help: measuring, looking, deploying and extending."""
OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaint is one sentence."""

    def error(self, message: str) -> NoReturn:
        """Complain and exit with 2."""
        raise UsageError(f"{message} (see {self.prog} --help)")


def parser(registry: Registry) -> argparse.ArgumentParser:
    """The commands of the core and of the plugins."""
    top = Parser(prog="mex", description=(mex.__doc__ or "").partition("\n")[0])
    top.add_argument("--version", action="version", version=f"mex {mex.__version__}")
    top.add_argument("--no-third-party", action="store_true", help="load no plugin but ours")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    for name in COMMANDS:
        importlib.import_module(f"mex.app.cli.{name}").add_commands(commands)
    for plugin, add in registry.implementations("mex_commands"):
        try:
            add(subparsers=commands)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            print(f"mex: plugin {plugin!r} could not add its commands: {error}", file=sys.stderr)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``mex``; return the exit code: 0, 1 for failed cells, 2 for a user's mistake, 130 if interrupted.

    Without ``argv`` the arguments are the process's, which is then ours: stdout is kept for results
    (:func:`mex.app.cli.output.take_over`).
    """
    from mex.app.cli.output import StdoutError, give_up, plugins_aside, take_over
    from mex.app.warned import show_each_once

    for name in ("SIGTERM", "SIGHUP"):  # told to end, or the terminal is gone; nohup's choice stands
        number = getattr(signal, name, None)
        if number and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _interrupt)
    if argv is None:
        take_over()
        show_each_once()
    given = sys.argv[1:] if argv is None else list(argv)
    ours_alone = given[:1] == ["--no-third-party"] and not os.environ.get(OURS_ALONE)
    try:
        if ours_alone:  # before anything is loaded, and in worker processes too
            os.environ[OURS_ALONE] = "1"
        with plugins_aside():
            registry = load_registry()
            commands = parser(registry)
        try:
            args = commands.parse_args(argv)
        except SystemExit as end:  # --help and --version have been printed
            sys.stdout.flush()
            return OK if end.code is None else int(end.code)
        code: int = args.run(args, registry)
        sys.stdout.flush()
        return code
    except StdoutError as error:
        give_up()
        return OK if error.reader_left else _complain(f"cannot write to stdout: {error.strerror}", FAILED)
    except (UsageError, Incompatible) as error:
        return _complain(error, USAGE)
    except MexError as error:
        return _complain(error, FAILED)
    except KeyboardInterrupt:
        return _complain("interrupted", INTERRUPTED)
    except BaseException as error:  # a plugin that raises SystemExit has not succeeded
        if os.environ.get("MEX_TRACEBACK"):
            raise
        whose = by_model(error) or "a bug in a plugin or in mex"
        bug = f"{type(error).__name__}: {error} ({whose}; MEX_TRACEBACK=1 shows where)"
        return _complain(" ".join(bug.split()), FAILED)
    finally:
        if ours_alone:
            del os.environ[OURS_ALONE]
        if argv is None:
            _last_words()


def _last_words() -> None:
    """Let what plugins print when Python ends be no result, after what has been printed has gone out."""
    from mex.app.cli.output import StdoutError, give_up

    try:
        sys.stdout.flush()
    except StdoutError:
        give_up()
    sys.stdout = sys.stderr


def _interrupt(*_: Any) -> NoReturn:
    raise KeyboardInterrupt


def _complain(what: object, code: int) -> int:
    print(f"mex: {what}", file=sys.stderr)
    return code
