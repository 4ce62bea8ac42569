"""The rows of a record as a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import attrs
import numpy as np

from mex import Dataset, Table, UsageError
from mex.params import doc, optional, text
from mex.toolkit.tabular.datasets import class_name
from mex.toolkit.tabular.reading import columns_of
from mex.types import Array
from mex_recorded.reading import Record, of_rows, read, schema_of


@attrs.frozen(kw_only=True)
class RecordedRows:
    """The rows that were asked of somebody, each once: what an attack on a record may choose from.

    A model that is fitted on them learns the first answer to each. Beside ``-m recorded:path=FILE``, which has these
    answers itself, they are rows without labels.
    """

    path: str | None = attrs.field(default=None, validator=optional(text()), metadata=doc("the record"))
    client: str | None = attrs.field(
        default=None, validator=optional(text()), metadata=doc("of an access log, the rows of this client only")
    )

    source: ClassVar[str] = "a ledger or an access log of yours"
    licence: ClassVar[str] = "yours"

    def load(self) -> Dataset:
        """The rows, and what was answered first to each: a label, the most probable class, or a value.

        Raises:
            UsageError: if the record cannot be read, or tells no labels or values.
        """
        record, first = self._read()
        schema, X = schema_of(record) or of_rows(record), record.X[first]
        told: dict[str, Any] = {
            "name": self._name,
            "X": X,
            "domain": schema.domain,
            "schema": schema,
            "target": "answer",
        }
        if "value" in record.answers:
            return Dataset(y=np.array([record.answers["value"][i] for i in first], dtype=np.float64), **told)
        classes = record.about.get("classes")
        if classes is None or {"label", "proba"}.isdisjoint(record.answers):
            raise UsageError(f"{self.path} does not tell the labels that were answered")
        if "label" in record.answers:
            y = [classes.index(record.answers["label"][i]) for i in first]
        else:
            y = [int(np.argmax(record.answers["proba"][i])) for i in first]
        return Dataset(y=np.array(y), class_names=tuple(str(class_name(label)) for label in classes), **told)

    def table(self) -> Table:
        """The rows, as their clients sent them.

        Raises:
            UsageError: if the record cannot be read.
        """
        record, first = self._read()
        schema = schema_of(record) or of_rows(record)
        columns = columns_of(schema.decode(record.X[first])).values()
        names = [str(column.name) for column in schema.columns]
        return Table(self._name, dict(zip(names, map(list, columns), strict=True)))

    @property
    def _name(self) -> str:
        return f"recorded:{Path(self.path or '').name}"

    def _read(self) -> tuple[Record, Array]:
        """The record, and the place of each of its rows when it was asked first."""
        if self.path is None:
            raise UsageError("recorded needs the path of a record: recorded:path=FILE")
        record = read(Path(self.path).expanduser(), self.client)
        _, first = np.unique(record.X + 0.0, axis=0, return_index=True)
        return record, np.sort(first)
