"""A user's own table, with types."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import attrs

from mex.toolkit.tabular.arrowfile import read_arrow
from mex.toolkit.tabular.csvfile import Reading, Table
from mex.toolkit.tabular.tablefile import TableFile, columns


@attrs.frozen(kw_only=True)
class Parquet(TableFile):
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

    numeric: Sequence[str] = columns("columns to take for numbers though they look like identifiers")

    name: ClassVar[str] = "parquet"

    def read(self, path: Path, *, trusted: bool) -> Table:
        """The columns of the file."""
        how = Reading(drop=self.drop, categorical=self.categorical, numeric=self.numeric, trusted=trusted)
        return read_arrow(path, how, self.target)
