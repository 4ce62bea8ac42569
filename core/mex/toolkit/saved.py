"""What the readers of saved models share.

A plugin adds a format to ``file`` by ``mex.Component("format", name, "package.module:Target", summary)``, where the
target is a :class:`Reader`.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import attrs

from mex.errors import MexError, UsageError
from mex.knowledge import Family
from mex.types import Estimator


@attrs.frozen(kw_only=True)
class Wishes:
    """What a file does not tell itself: parameters of ``file``, and the ``columns`` of the tables that it gets."""

    columns: Sequence[str] = ()
    classes: Sequence[Any] | None = None
    trusted: Sequence[str] = ()
    unsafe: bool = False
    reader: str | None = None
    missing: float | None = None


@attrs.frozen(kw_only=True, eq=False)
class Reading:
    """A model that was read.

    Attributes:
        model: an estimator as scikit-learn has them.
        family: its public class, if the file tells more than the class of ``model``.
        frame: how it takes tables, as :class:`mex.Schema` has it; nothing to go by what a table is.
        precision: the float in which it computes, if not what a table is in.
        facts: what to tell about it, by its name.
    """

    model: Estimator
    family: Family | None = None
    frame: str = ""
    precision: str = ""
    facts: Mapping[str, str] = attrs.field(factory=dict)


class Reader(Protocol):
    """Reads the models of one format: a module, a class or an object.

    Attributes:
        ENDINGS: how the names of its files end, in small letters: ``{".rds"}``; empty if ``format`` always says it.
    """

    ENDINGS: Collection[str]

    @staticmethod
    def read(path: Path, wishes: Wishes) -> Reading:
        """The model in a file or folder.

        Raises:
            UsageError: if it cannot be read; :func:`telling` makes one of the error of a library.
        """
        ...


def counted(n: int, noun: str) -> str:
    """A number of things, in words."""
    return f"{n} {noun}" + "s" * (n != 1)


def library(module: str, path: Path, extra: str) -> Any:
    """A library that reads a format.

    Raises:
        UsageError: if it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UsageError(
            f"{path.name}: reading it takes {module.partition('.')[0]}, which is not installed here"
            f" ({' '.join(str(error).split())}): pip install 'model-extraction[{extra}]'"
        ) from None


@contextlib.contextmanager
def telling(path: Path, what: str) -> Iterator[None]:
    """Say of an error of a library that it is the file that could not be read.

    Raises:
        UsageError: instead of it.
    """
    try:
        yield
    except MexError:
        raise
    except Exception as error:
        said = " ".join(str(error).split())[:300]
        raise UsageError(f"{path} cannot be read as {what} ({type(error).__name__}: {said})") from error
