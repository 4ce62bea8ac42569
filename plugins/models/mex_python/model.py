"""An object of a Python module as a target."""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import sys
from typing import Any, ClassVar

import attrs

from mex import FittedTarget, MexError, Scope, Table, UsageError
from mex.params import Check, doc, optional
from mex.toolkit.tabular.declared import DeclaredModel
from mex.types import Estimator


def _is_path(value: Any) -> bool:
    module, colon, name = value.partition(":") if isinstance(value, str) else ("", "", "")
    return bool(colon) and all(part.isidentifier() for part in (*module.split("."), *name.split(".")))


@attrs.frozen(kw_only=True)
class Python(DeclaredModel):
    """A model that a Python module has: it is imported, which runs its code, and asked in this process.

    The object is a fitted estimator, or anything with ``predict``; a function that is given rows, shape (n, d), or
    tables, and gives one answer a row; or a class, which is built without arguments. Modules are found where Python
    finds them, and in the working directory.

    >>> Python(object="math:sqrt").read()(9)
    3.0
    """

    object: str | None = attrs.field(
        default=None,
        validator=optional(Check("written package.module:name", _is_path)),
        metadata=doc("where it is: package.module:name"),
    )

    scope: ClassVar[Scope] = Scope()
    paper: ClassVar[str] = "none: the model is yours"

    def open(self, table: Table | None) -> FittedTarget:
        """Import the object and open it.

        Raises:
            UsageError: if it cannot be imported, is no model, or does not suit the table.
        """
        return self.opened(self.read(), table)

    def read(self) -> Estimator:
        """The object itself.

        Raises:
            UsageError: if it cannot be imported or built.
        """
        if self.object is None:
            raise UsageError("python needs the place of a model: python:object=package.module:name")
        module, _, name = self.object.partition(":")
        if os.getcwd() not in sys.path:  # it stays there: a model may import more when it is asked
            sys.path.append(os.getcwd())
        try:
            found: Any = functools.reduce(getattr, name.split("."), importlib.import_module(module))
            return found() if inspect.isclass(found) else found
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a module may do anything when it is imported
            said = str(error) if isinstance(error, MexError) else f"{type(error).__name__}: {error}"
            raise UsageError(f"{self.object} cannot be had ({' '.join(said.split())})") from error
