"""A user's own table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import attrs

from mex import Dataset, Table, UsageError
from mex.params import Check, doc, optional, text
from mex.toolkit.tabular import parameters
from mex.toolkit.tabular.csvfile import Reading, read_csv
from mex.toolkit.tabular.datasets import Task, dataset_of
from mex.toolkit.tabular.inference import data_frame
from mex.toolkit.tabular.parsing import MISSING


@attrs.frozen(kw_only=True)
class Csv:
    """A CSV file with a first line that names the columns; plain, or packed with gzip, bzip2 or xz.

    A column of numbers is one feature, a truth value is one of 0 and 1, any other column is one-hot
    (:func:`mex.toolkit.tabular.datasets.dataset_of`). Columns that are no features as they stand, such as identifiers,
    dates, money and remarks, are an error that says how to decide on them. Rows with a missing value stay, for models
    that take them. The dataset has the name of the file.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "clinic.csv"
    ...     _ = path.write_text("age;smoker;risk\\n41,5;no;low\\n29;yes;high\\n35;n/a;high\\n", encoding="utf-8")
    ...     dataset = Csv(path=str(path), positive="high").load()
    >>> dataset
    Dataset(name='clinic', X=<3 x 3>, class_names=('low', 'high'))
    >>> dataset.X[:, 0], dataset.notes
    (array([41.5, 29. , 35. ]), ("the decimal mark is ','",))
    """

    path: str | None = parameters.path()
    target: str | None = parameters.target()
    positive: str | None = parameters.positive()
    task: Task = parameters.task()
    drop: Sequence[str] = parameters.columns("columns to leave out")
    categorical: Sequence[str] = parameters.columns("columns to take for categories, whatever they hold")
    numeric: Sequence[str] = parameters.columns(
        "columns to take for numbers: units and parted thousands are read, what is no number is missing"
    )
    missing: Sequence[str] = attrs.field(
        default=MISSING,
        converter=parameters.listed,
        validator=parameters.texts(),
        metadata=doc("the texts that stand for a missing value; by default NULL, NA, ? and their like"),
    )
    sep: str | None = attrs.field(
        default=None,
        validator=optional(Check("one character", lambda v: isinstance(v, str) and len(v) == 1)),
        metadata=doc("what separates fields; none finds out"),
    )
    decimal: str | None = attrs.field(
        default=None,
        validator=optional(Check("a point or a comma", lambda v: v in (".", ","))),
        metadata=doc("the decimal mark; none finds out"),
    )
    encoding: str | None = attrs.field(
        default=None, validator=optional(text()), metadata=doc("of the text; none takes UTF-8, or what the file marks")
    )

    source: ClassVar[str] = "a file of yours"
    licence: ClassVar[str] = "yours"

    def load(self) -> Dataset:
        """Return the dataset.

        Raises:
            UsageError: if there is no path, no such file, or no dataset in it, or what a column is is in doubt.
        """
        path, how = self._file(), self._reading()
        table = read_csv(path, how, self.target)
        dataset = dataset_of(
            _stem(path),
            table.columns,
            target=table.target,
            task=self.task,
            categorical=self.categorical,
            notes=table.notes,
        )
        return dataset if self.positive is None else dataset.one_versus_rest(self.positive)

    def table(self) -> Table:
        """The table with every column as it looks, for models that are deployed already: they know what they take.

        Raises:
            UsageError: if there is no path, no such file, or no table in it.
        """
        path = self._file()
        read = read_csv(path, attrs.evolve(self._reading(), trusted=True), self.target)
        return Table(_stem(path), data_frame(read.columns), target=self.target)

    def _file(self) -> Path:
        if self.path is None:
            raise UsageError("csv needs the path of a file: csv:path=FILE")
        return Path(self.path).expanduser()

    def _reading(self) -> Reading:
        return Reading(
            sep=self.sep,
            decimal=self.decimal,
            encoding=self.encoding,
            missing=self.missing,
            drop=self.drop,
            categorical=self.categorical,
            numeric=self.numeric,
        )


def _stem(path: Path) -> str:
    """The name of a file without what it ends in."""
    name = path.name
    for suffix in (".gz", ".bz2", ".xz"):
        name = name.removesuffix(suffix)
    return Path(name).stem
