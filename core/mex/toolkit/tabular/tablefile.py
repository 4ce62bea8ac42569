"""What the datasets in files of a user's share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import attrs

from mex.dataset import Dataset, Table
from mex.errors import UsageError
from mex.params import Check, doc, one_of, optional, text
from mex.toolkit.tabular import csvfile
from mex.toolkit.tabular.datasets import Task, class_name, dataset_of
from mex.toolkit.tabular.inference import data_frame

PACKED = (".gz", ".bz2", ".xz")


def listed(value: Any) -> Any:
    """One text as a list of one, a list as a tuple."""
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


def texts() -> Check:
    """One text, or a list of them."""
    return Check(
        "a text or a list of texts", lambda v: isinstance(v, tuple) and all(isinstance(part, str) for part in v)
    )


def columns(description: str) -> Any:
    """A parameter that names columns."""
    return attrs.field(default=(), converter=listed, validator=texts(), metadata=doc(description))


@attrs.frozen(kw_only=True)
class TableFile(ABC):
    """A dataset in a file that its user names; a subclass says how it is read."""

    path: str | None = attrs.field(default=None, validator=optional(text()), metadata=doc("the file"))
    target: str | None = attrs.field(
        default=None, validator=optional(text()), metadata=doc("the column to predict; none takes the last one")
    )
    positive: str | None = attrs.field(
        default=None,
        converter=class_name,
        validator=optional(text()),
        metadata=doc("the class to tell from all others; none leaves the classes as they are, sorted"),
    )
    task: Task = attrs.field(
        default="auto",
        validator=one_of("auto", "classification", "regression"),
        metadata=doc("auto takes a target of numbers with more than 20 distinct values for a regression"),
    )
    drop: Sequence[str] = columns("columns to leave out")
    categorical: Sequence[str] = columns("columns to take for categories, whatever they hold")

    name: ClassVar[str]
    source: ClassVar[str] = "a file of yours"
    licence: ClassVar[str] = "yours"

    @abstractmethod
    def read(self, path: Path, *, trusted: bool) -> csvfile.Table:
        """The columns of the file; ``trusted`` takes each for what it looks like."""

    def load(self) -> Dataset:
        """Return the dataset.

        Raises:
            UsageError: if there is no path, no such file, or no dataset in it, or what a column is is in doubt.
        """
        path = self._file()
        read = self.read(path, trusted=False)
        dataset = dataset_of(
            _stem(path),
            read.columns,
            target=read.target,
            task=self.task,
            categorical=self.categorical,
            notes=read.notes,
        )
        return dataset if self.positive is None else dataset.one_versus_rest(self.positive)

    def table(self) -> Table:
        """The table with every column as it looks, for models that are deployed already: they know what they take.

        Raises:
            UsageError: if there is no path, no such file, or no table in it.
        """
        path = self._file()
        return Table(_stem(path), data_frame(self.read(path, trusted=True).columns), target=self.target)

    def _file(self) -> Path:
        if self.path is None:
            raise UsageError(f"{self.name} needs the path of a file: {self.name}:path=FILE")
        return Path(self.path).expanduser()


def _stem(path: Path) -> str:
    """The name of a file without what it ends in."""
    name = path.name
    for suffix in PACKED:
        name = name.removesuffix(suffix)
    return Path(name).stem
