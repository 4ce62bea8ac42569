"""A saved model as a target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import attrs

from mex import FittedTarget, Scope, Table, UsageError
from mex.params import Check, boolean, doc, one_of, optional, text
from mex.toolkit.saved import Reading, Wishes
from mex.toolkit.tabular.declared import DeclaredModel, listed, texts
from mex.toolkit.tabular.reading import columns_of
from mex_file.formats import a_format, format_of, reader_of


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@attrs.frozen(kw_only=True)
class File(DeclaredModel):
    """A model that was fitted elsewhere and saved, in the format of one of several libraries.

    What the file tells of its columns, levels, classes and precision is taken from it, the rest from the table that
    it is asked about, or from ``like``. Nothing that runs code is opened unasked. ``mex inspect`` prints what was
    understood.
    """

    path: str | None = attrs.field(default=None, validator=optional(text()), metadata=doc("the file, or the folder"))
    format: str | None = attrs.field(
        default=None,
        validator=optional(a_format()),
        metadata=doc("of the file, if its name does not tell"),
    )
    trusted: Sequence[str] = attrs.field(
        default=(),
        converter=listed,
        validator=texts("a type or a list of types"),
        metadata=doc("types in a file of skops whose code may run"),
    )
    unsafe: bool = attrs.field(
        default=False,
        validator=boolean(),
        metadata=doc("open what runs whatever code its author put into it, such as a pickle"),
    )
    reader: str | None = attrs.field(
        default=None,
        validator=optional(one_of("estimator", "booster")),
        metadata=doc("of XGBoost: the class that is deployed, XGBClassifier and XGBRegressor or Booster"),
    )
    missing: float | None = attrs.field(
        default=None,
        validator=optional(Check("a number", _is_number)),
        metadata=doc("of XGBoost: the number that stands for a missing value; files do not tell it"),
    )

    scope: ClassVar[Scope] = Scope()
    paper: ClassVar[str] = "Chandrasekaran et al. 2020, Section 2: f* of a server, as it was deployed"

    def open(self, table: Table | None) -> FittedTarget:
        """Open the file.

        Raises:
            UsageError: if it cannot be read, or does not suit the table.
        """
        read = self.read([] if table is None else [str(name) for name in columns_of(table.columns)])
        return self.opened(read.model, table, known=read.family, frame=read.frame, precision=read.precision)

    def read(self, columns: Sequence[str] = ()) -> Reading:
        """The model in the file, with what is to be told about it; ``columns`` are those of the tables that it gets.

        Raises:
            UsageError: if it cannot be read.
        """
        if self.path is None:
            raise UsageError("file needs the path of a model: file:path=FILE")
        path = Path(self.path).expanduser()
        form = self.format or format_of(path)
        wishes = Wishes(
            columns=columns,
            classes=self.classes,
            trusted=self.trusted,
            unsafe=self.unsafe,
            reader=self.reader,
            missing=self.missing,
        )
        read: Reading = reader_of(form).read(path, wishes)
        return read

    def facts(self) -> Mapping[str, str]:
        """What is to be told about the file, by its name."""
        return self.read().facts
