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
        array: for a column the function that makes it of an array of numbers, or of a list of values (None is missing).
        take: the values of such a column at some places.
        table: a table of such columns by name.
    """

    name: str
    array: Callable[[Column], Callable[[Any], Any]] = attrs.field(repr=False)
    take: Callable[[Any, Array], Any] = attrs.field(repr=False)
    table: Callable[[dict[Any, Any]], Any] = attrs.field(repr=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return _library, (self.name,)

    def coder(self, columns: Sequence[Column]) -> TableCoder:
        """The way to tables of this library and back."""
        return TableCoder(columns, lambda table: parts_of(table, columns), self._writer(columns))

    def _writer(self, columns: Sequence[Column]) -> Callable[[Parts], Any]:
        groups = [_Group(self, columns, members) for members in _of_one_dtype(columns)]

        numbers = [(i, self.array(column)) for i, column in enumerate(columns) if not column.values]

        def write(parts: Parts) -> Any:
            made = {i: array(parts[i]) for i, array in numbers}
            for group in groups:
                made |= group.write(parts)
            return self.table({column.name: made[i] for i, column in enumerate(columns)})

        return write


class _Group:
    """Categories and truth values of one dtype: one array holds the values of all, so that all are taken at once."""

    def __init__(self, library: Library, columns: Sequence[Column], members: Sequence[int]) -> None:
        chosen = [columns[i] for i in members]
        # Behind the values of a column stands the missing one, which the code -1 takes.
        values = [value for column in chosen for value in (*column.values, *[None] * column.optional)]
        self._take = functools.partial(library.take, library.array(chosen[0])(values))
        sizes = [len(column.values) + column.optional for column in chosen]
        self._places = list(zip(members, np.cumsum([0, *sizes[:-1]]), sizes, strict=True))

    def write(self, parts: Parts) -> dict[int, Any]:
        """The columns, by their numbers, for the codes of all."""
        taken = self._take(np.concatenate([start + parts[i] % size for i, start, size in self._places]))
        n = len(parts[self._places[0][0]])
        return {i: taken[k * n : (k + 1) * n] for k, (i, *_) in enumerate(self._places)}


def _of_one_dtype(columns: Sequence[Column]) -> list[list[int]]:
    """The numbers of categories and truth values by their dtypes; one whose dtype declares its levels stands alone."""
    groups = dict[Any, list[int]]()
    for i, column in enumerate(columns):
        if column.values:
            alone = column.dtype == "Enum" or any(word in column.dtype for word in ("category", "dictionary"))
            groups.setdefault(i if alone else column.dtype, []).append(i)
    return list(groups.values())


def _library(name: str) -> Library:
    return LIBRARIES[name]


def _listed(column: Column) -> Callable[[Any], list[Any]]:
    """Python's own values, None where one is missing."""
    make = int if column.kind == "integer" else float
    return lambda values: values if isinstance(values, list) else [None if v != v else make(v) for v in values.tolist()]


def _pandas_array(column: Column) -> Callable[[Any], Any]:
    import pandas as pd

    dtype = dtypes.pandas_dtype(column.dtype, column.levels)
    if dtype == np.dtype(object):
        missing = None if column.dtype == dtypes.OBJECT_WITH_NONE else np.nan
        listed = _listed(column)
        return lambda values: np.array([missing if value is None else value for value in listed(values)], dtype)
    if isinstance(dtype, np.dtype):
        return lambda values: np.array(values, dtype)
    return lambda values: pd.array(values, dtype)


def _pandas_table(columns: dict[Any, Any]) -> Any:
    import pandas as pd

    # The public constructor looks at each column once more, which for a single row takes longer than all else; and
    # through an array of objects for a better type.
    quick = getattr(pd.DataFrame, "_from_arrays", None)
    if quick is not None:
        n = len(next(iter(columns.values())))
        return quick(list(columns.values()), pd.Index(list(columns)), pd.RangeIndex(n), verify_integrity=False)
    kept = {name: pd.Series(a, dtype=object) if a.dtype == object else a for name, a in columns.items()}
    return pd.DataFrame(kept, copy=False)


def _polars_array(column: Column) -> Callable[[Any], Any]:
    import polars as pl

    dtype = dtypes.polars_dtype(column.dtype, column.levels)

    def array(values: Any) -> Any:
        listed = isinstance(values, list)
        return pl.Series(values, dtype=dtype) if listed else pl.Series(values, nan_to_null=True).cast(dtype)

    return array


def _polars_table(columns: dict[Any, Any]) -> Any:
    import polars as pl

    return pl.DataFrame(columns)


def _arrow_array(column: Column) -> Callable[[Any], Any]:
    import pyarrow as pa

    dtype = dtypes.arrow_type(column.dtype)

    def array(values: Any) -> Any:
        return pa.array(values, dtype) if isinstance(values, list) else pa.array(values, from_pandas=True).cast(dtype)

    return array


def _arrow_table(columns: dict[Any, Any]) -> Any:
    import pyarrow as pa

    return pa.table(columns)


def _numpy_array(column: Column) -> Callable[[Any], Any]:
    listed, dtype = _listed(column), np.dtype(column.dtype or None)
    return lambda values: np.array(listed(values) if dtype == np.dtype(object) else values, dtype=dtype)


def _numpy_table(columns: dict[Any, Any]) -> Any:
    arrays = list(columns.values())
    same = len({array.dtype for array in arrays}) == 1
    return np.stack([array if same else array.astype(object) for array in arrays], axis=1)


def _records(columns: dict[Any, Any]) -> list[dict[Any, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _pick(values: list[Any], places: Array) -> list[Any]:
    return [values[i] for i in places]


# Named, so that a file of skops can name them.
def _take(array: Any, places: Array) -> Any:
    return array.take(places)


def _gather(series: Any, places: Array) -> Any:
    return series.gather(places)


def _index(array: Any, places: Array) -> Any:
    return array[places]


LIBRARIES = {
    library.name: library
    for library in (
        Library("pandas", _pandas_array, _take, _pandas_table),
        Library("polars", _polars_array, _gather, _polars_table),
        Library("pyarrow", _arrow_array, _take, _arrow_table),
        Library("numpy", _numpy_array, _index, _numpy_table),
        Library("columns", _listed, _pick, dict),
        Library("records", _listed, _pick, _records),
    )
}
"""The frames there are, by name."""
