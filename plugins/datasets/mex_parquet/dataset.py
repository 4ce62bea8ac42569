"""A user's own table, with types."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import attrs

from mex import Dataset, Table, UsageError
from mex.toolkit.tabular import csvfile, parameters
from mex.toolkit.tabular.arrowfile import read_arrow
from mex.toolkit.tabular.datasets import Task, dataset_of
from mex.toolkit.tabular.inference import data_frame


@attrs.frozen(kw_only=True)
class Parquet:
    """A Parquet file, or one of Feather or Arrow's IPC.

    Columns are what their types say (:func:`mex.toolkit.tabular.datasets.dataset_of`); decimal numbers are floats.
    Columns that are no features as they stand, such as identifiers, dates and remarks, are an error that says how to
    decide on them. The index of a data frame that was saved is left out. Rows with a missing value stay, for models
    that take them. The dataset has the name of the file.

    >>> import tempfile
    >>> import pyarrow, pyarrow.parquet
    >>> table = pyarrow.table({"age": [41.5, 29, 35], "smoker": [False, True, None], "risk": ["low", "high", "high"]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "clinic.parquet"
    ...     pyarrow.parquet.write_table(table, path)
    ...     dataset = Parquet(path=str(path), positive="high").load()
    >>> dataset, dataset.X[:, 1]
    (Dataset(name='clinic', X=<3 x 2>, class_names=('low', 'high')), array([ 0.,  1., nan]))
    """

    path: str | None = parameters.path()
    target: str | None = parameters.target()
    positive: str | None = parameters.positive()
    task: Task = parameters.task()
    drop: Sequence[str] = parameters.columns("columns to leave out")
    categorical: Sequence[str] = parameters.columns("columns to take for categories, whatever they hold")
    numeric: Sequence[str] = parameters.columns("columns to take for numbers though they look like identifiers")

    source: ClassVar[str] = "a file of yours"
    licence: ClassVar[str] = "yours"

    def load(self) -> Dataset:
        """Return the dataset.

        Raises:
            UsageError: if there is no path, no such file, or no dataset in it, or what a column is is in doubt.
        """
        path = self._file()
        read = read_arrow(path, self._reading(), self.target)
        dataset = dataset_of(
            path.stem,
            read.columns,
            target=read.target,
            task=self.task,
            categorical=self.categorical,
            notes=read.notes,
        )
        return dataset if self.positive is None else dataset.one_versus_rest(self.positive)

    def table(self) -> Table:
        """The table with every column as it is, for models that are deployed already: they know what they take.

        Raises:
            UsageError: if there is no path, no such file, or no table in it.
        """
        path = self._file()
        read = read_arrow(path, attrs.evolve(self._reading(), trusted=True), self.target)
        return Table(path.stem, data_frame(read.columns), target=self.target)

    def _file(self) -> Path:
        if self.path is None:
            raise UsageError("parquet needs the path of a file: parquet:path=FILE")
        return Path(self.path).expanduser()

    def _reading(self) -> csvfile.Reading:
        return csvfile.Reading(drop=self.drop, categorical=self.categorical, numeric=self.numeric)
