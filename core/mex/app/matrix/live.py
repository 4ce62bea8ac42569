"""Objects of a Python process as models and datasets of a matrix: fitted estimators, functions, frames, arrays."""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import io
import secrets
import sys
import sysconfig
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import attrs
import cloudpickle

from mex.dataset import Dataset, Table
from mex.errors import UsageError, sentence
from mex.fitted import FittedTarget
from mex.hooks import Component
from mex.knowledge import Scope
from mex.params import doc, text
from mex.registry import Registry
from mex.toolkit.tabular.datasets import dataset_of
from mex.toolkit.tabular.opening import open_model
from mex.toolkit.tabular.reading import columns_of

GIVEN = "an object of the program"
OBJECTS: dict[str, Any] = {}
"""What was given to this process, by digest: of models the arguments of :func:`open_model`, of datasets tables."""
INSTALLED = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib"))


@attrs.frozen(kw_only=True)
class LiveModel:
    """A model that was given as an object."""

    object: str = attrs.field(default="none", validator=text(), metadata=doc("digest of the object and its code"))

    scope: ClassVar[Scope] = Scope(incomplete=True)

    def open(self, table: Table | None) -> FittedTarget:
        """Open it behind the schema of the tables that it takes."""
        return open_model(table=table, **OBJECTS[self.object])


@attrs.frozen(kw_only=True)
class LiveData:
    """A table that was given as an object."""

    object: str = attrs.field(default="none", validator=text(), metadata=doc("digest of the table"))

    source: ClassVar[str] = GIVEN
    licence: ClassVar[str] = "that of the program"

    def table(self) -> Table:
        """The table, for models that are there already."""
        found: Table = OBJECTS[self.object]
        return found

    def load(self) -> Dataset:
        """The dataset, for models that are fitted."""
        table = self.table()
        columns, target = columns_of(table.columns), table.target
        if table.labels is not None:
            columns, target = {str(name): column for name, column in columns.items()}, "target"
            columns[target] = table.labels
        if target is None:
            raise UsageError(f"data {table.name!r} has no labels to fit a model on: give (X, y), or target=")
        return dataset_of(table.name, columns, target=target)


KINDS = {"model": LiveModel, "dataset": LiveData}


@attrs.frozen(eq=False)
class Live:
    """Objects by kind of component and name, each with the digest that names it in a record.

    Attributes:
        objects: of models the arguments of :func:`open_model`, of datasets tables.
        digests: of each: no two objects are taken for one, though they have one name.
    """

    objects: Mapping[tuple[str, str], Any]
    digests: Mapping[tuple[str, str], str]

    @classmethod
    def of(cls, objects: Mapping[tuple[str, str], Any]) -> Live:
        """The same with their digests."""
        return cls(objects, {key: digest(given) for key, given in objects.items()})

    def added_to(self, registry: Registry) -> Registry:
        """A registry that has these objects as well, in this process.

        Raises:
            UsageError: for the name of a component that it has already.
        """
        OBJECTS.update({self.digests[key]: given for key, given in self.objects.items()})
        made = "an object of the program"
        return registry.extended(
            Component(k, name, f"{__name__}:{KINDS[k].__name__}", made) for k, name in self.objects
        )

    def packed(self) -> bytes:
        """The objects, to travel to another process of this machine, where :meth:`unpacked` has them back.

        Raises:
            UsageError: if one of them cannot travel.
        """
        try:
            return bytes(cloudpickle.dumps(self))
        except Exception as error:
            names = ", ".join(name for _, name in self.objects)
            raise UsageError(
                f"not all of {names} can be sent to other processes ({sentence(error)}): do not say how many jobs"
            ) from None

    @staticmethod
    def unpacked(packed: bytes) -> Live:
        """The objects that were :meth:`packed`."""
        live: Live = cloudpickle.loads(packed)
        return live


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Notes the modules whose functions and classes are pickled by their names alone."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.modules = set[str]()

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, type | types.FunctionType):
            self.modules.add(str(obj.__module__))
        return super().reducer_override(obj)


def digest(given: Any) -> str:
    """A digest of an object and of the code that it needs, the same in every process; of what cannot be saved, its own.

    The code is that of the modules which are not installed: a function that was edited is another one.
    """
    held = io.BytesIO()
    pickler = _Pickler(held)
    try:
        pickler.dump(given)
    except Exception:
        return secrets.token_hex(8)
    found = hashlib.sha256(held.getvalue())
    for name in sorted(pickler.modules):
        with contextlib.suppress(TypeError, OSError):  # built in, or typed at a prompt
            path = Path(inspect.getfile(sys.modules[name]))
            if not str(path).startswith(INSTALLED):
                found.update(path.read_bytes())
    return found.hexdigest()[:16]
