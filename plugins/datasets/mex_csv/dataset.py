"""A user's own table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import attrs

from mex.params import Check, doc, optional, text
from mex.toolkit.tabular.csvfile import Reading, Table, read_csv
from mex.toolkit.tabular.parsing import MISSING
from mex.toolkit.tabular.tablefile import TableFile, columns, listed, texts


@attrs.frozen(kw_only=True)
class Csv(TableFile):
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

    numeric: Sequence[str] = columns(
        "columns to take for numbers: units and parted thousands are read, what is no number is missing"
    )
    missing: Sequence[str] = attrs.field(
        default=MISSING,
        converter=listed,
        validator=texts(),
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

    name: ClassVar[str] = "csv"

    def read(self, path: Path, *, trusted: bool) -> Table:
        """The columns of the file."""
        how = Reading(
            sep=self.sep,
            decimal=self.decimal,
            encoding=self.encoding,
            missing=self.missing,
            drop=self.drop,
            categorical=self.categorical,
            numeric=self.numeric,
            trusted=trusted,
        )
        return read_csv(path, how, self.target)
