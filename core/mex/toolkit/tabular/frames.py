"""How clients hold tables: data frames of pandas, polars and pyarrow, arrays, and what JSON has."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import attrs
import numpy as np

from mex.schema import Column
from mex.toolkit.tabular import dtypes
from mex.toolkit.tabular.coding import Parts, TableCoder
from mex.toolkit.tabular.reading import parts_of
from mex.types import Array


@attrs.frozen
class Library:
    """A :class:`mex.schema.Frame`: one way to hold a table.

    Attributes:
        name: of the library, or of the shape of plain Python values.
        array: makes a column of an array of numbers, or of a list of values (None is missing).
        take: the values of such a column at some places.
        table: a table of such columns by name.
    """

    name: str
    array: Callable[[Any, Column], Any] = attrs.field(repr=False)
    take: Callable[[Any, Array], Any] = attrs.field(repr=False)
    table: Callable[[dict[Any, Any]], Any] = attrs.field(repr=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return _library, (self.name,)

    def coder(self, columns: Sequence[Column]) -> TableCoder:
        """The way to tables of this library and back."""
        return TableCoder(columns, lambda table: parts_of(table, columns), self._writer(columns))

    def _writer(self, columns: Sequence[Column]) -> Callable[[Parts], Any]:
        # Behind the values of a column stands the missing one, which the code -1 takes.
        known = [self.array([*c.values, *[None] * c.optional], c) if c.values else None for c in columns]

        def write(parts: Parts) -> Any:
            return self.table(
                {
                    column.name: self.take(values, part % (len(column.values) + 1))
                    if column.values
                    else self.array(part, column)
                    for column, values, part in zip(columns, known, parts, strict=True)
                }
            )

        return write


def _library(name: str) -> Library:
    return LIBRARIES[name]


def _listed(values: Any, column: Column) -> list[Any]:
    """Python's own values, None where one is missing."""
    if isinstance(values, list):
        return values
    make = int if column.kind == "integer" else float
    return [None if value != value else make(value) for value in values.tolist()]


def _pandas_array(values: Any, column: Column) -> Any:
    import pandas as pd

    dtype = _pandas_dtype(column)
    if dtype == np.dtype(object):
        missing = None if column.dtype == dtypes.OBJECT_WITH_NONE else np.nan
        return np.array([missing if value is None else value for value in _listed(values, column)], dtype)
    plain = isinstance(values, np.ndarray) and isinstance(dtype, np.dtype)
    return values.astype(dtype) if plain else pd.array(values, dtype)


@functools.lru_cache(maxsize=1000)
def _pandas_dtype(column: Column) -> Any:
    return dtypes.pandas_dtype(column.dtype, column.levels)


def _pandas_table(columns: dict[Any, Any]) -> Any:
    import pandas as pd

    # An array of objects would be looked through for a better type.
    kept = {name: pd.Series(a, dtype=object) if a.dtype == object else a for name, a in columns.items()}
    return pd.DataFrame(kept, copy=False)


def _polars_array(values: Any, column: Column) -> Any:
    import polars as pl

    dtype = dtypes.polars_dtype(column.dtype, column.levels)
    return (
        pl.Series(values, dtype=dtype) if isinstance(values, list) else pl.Series(values, nan_to_null=True).cast(dtype)
    )


def _polars_table(columns: dict[Any, Any]) -> Any:
    import polars as pl

    return pl.DataFrame(columns)


def _arrow_array(values: Any, column: Column) -> Any:
    import pyarrow as pa

    dtype = dtypes.arrow_type(column.dtype)
    return pa.array(values, dtype) if isinstance(values, list) else pa.array(values, from_pandas=True).cast(dtype)


def _arrow_table(columns: dict[Any, Any]) -> Any:
    import pyarrow as pa

    return pa.table(columns)


def _numpy_array(values: Any, column: Column) -> Any:
    return np.array(_listed(values, column) if column.dtype == "object" else values, dtype=column.dtype or None)


def _numpy_table(columns: dict[Any, Any]) -> Any:
    arrays = list(columns.values())
    same = len({array.dtype for array in arrays}) == 1
    return np.stack([array if same else array.astype(object) for array in arrays], axis=1)


def _records(columns: dict[Any, Any]) -> list[dict[Any, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _pick(values: list[Any], places: Array) -> list[Any]:
    return [values[i] for i in places]


LIBRARIES = {
    library.name: library
    for library in (
        Library("pandas", _pandas_array, lambda array, places: array.take(places), _pandas_table),
        Library("polars", _polars_array, lambda series, places: series.gather(places), _polars_table),
        Library("pyarrow", _arrow_array, lambda array, places: array.take(places), _arrow_table),
        Library("numpy", _numpy_array, lambda array, places: array[places], _numpy_table),
        Library("columns", _listed, _pick, dict),
        Library("records", _listed, _pick, _records),
    )
}
"""The frames there are, by name."""
