"""Reading a column of any table: data frames, arrays, mappings of columns, lists of mappings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from mex.errors import UsageError, suggest
from mex.schema import Column
from mex.toolkit.tabular.coding import Parts
from mex.types import FloatArray, dense

Series: TypeAlias = Any
"""One column of a table: a narwhals series, a numpy array or a list."""


def parts_of(table: Any, columns: Sequence[Column]) -> Parts:
    """The columns of any table, found by their names; without names they are taken in order.

    Raises:
        UsageError: for a table without one of the columns, a text for a number, a level that is none of a column's.
    """
    found = columns_of(table)
    named = [isinstance(name, str) for name in (*found, *(column.name for column in columns))]
    if not all(named) and len(found) == len(columns):
        found = dict(zip((column.name for column in columns), found.values(), strict=True))
    for column in columns:
        if column.name not in found:
            raise UsageError(f"the table has no column {column.name!r}{suggest(str(column.name), map(str, found))}")
    return [
        _codes(column, found[column.name]) if column.values else numbers(column.name, found[column.name])
        for column in columns
    ]


def columns_of(table: Any) -> dict[str | int, Series]:
    """The columns of any table by their names; those of an array by their numbers.

    Takes what narwhals takes (pandas, polars, pyarrow, …), arrays and sparse matrices of two dimensions,
    lists of rows, lists of mappings, and mappings of columns.

    Raises:
        UsageError: for anything else, or two columns of one name.
    """
    import narwhals.stable.v2 as nw

    if isinstance(table, Mapping):
        return dict(table)
    if isinstance(table, Sequence) and len(table) and all(isinstance(row, Mapping) for row in table):
        return {name: [_member(row, i, name) for i, row in enumerate(table)] for name in table[0]}
    try:
        frame = nw.from_native(table, eager_only=True, pass_through=True)
    except ValueError as error:  # narwhals' words for two columns of one name
        raise UsageError(" ".join(str(error).split())) from None
    if isinstance(frame, nw.DataFrame):
        return {name: frame.get_column(name) for name in frame.columns}
    array = dense(table)
    if array.dtype.kind == "U" and isinstance(table, Sequence):  # rows of several kinds of values
        array = np.array(table, dtype=object)
    if array.ndim != 2 or array.dtype.kind not in "biufUO":
        what = type(table).__name__
        raise UsageError(
            f"a table must be a data frame, an array of rows and columns or a list of mappings, not {what}"
        )
    return dict(enumerate(array.T))


def _member(row: Mapping[Any, Any], i: int, name: Any) -> Any:
    if name not in row:
        raise UsageError(f"row {i} has no {name!r}")
    return row[name]


def numbers(name: str | int, series: Series) -> FloatArray:
    """A column as float64, NaN where a value is missing.

    Raises:
        UsageError: if it holds something else than numbers and truth values.
    """
    plain = series.to_numpy() if hasattr(series, "to_numpy") else np.asarray(series)
    if plain.dtype.kind in "fiub":
        return plain.astype(np.float64, copy=False)
    values = plain.tolist() if plain.dtype.kind in "OU" else list(plain)  # of dates it would be whole numbers
    wrong = next((v for v in values if not (is_missing(v) or isinstance(v, int | float | np.number))), None)
    if wrong is not None:
        raise UsageError(f"row {values.index(wrong)}: column {name!r} takes numbers, not {wrong!r}")
    return np.array([np.nan if is_missing(v) else v for v in values], dtype=np.float64)


def is_named(table: Any) -> bool:
    """Whether a table has columns with names."""
    if table is None or isinstance(table, np.ndarray) or hasattr(table, "toarray"):
        return False
    return any(isinstance(name, str) for name in columns_of(table))


def is_numeric(series: Series) -> bool:
    """Whether a column is of a type of numbers."""
    if hasattr(series, "dtype") and hasattr(series.dtype, "is_numeric"):  # of narwhals
        return bool(series.dtype.is_numeric())
    return np.asarray(series).dtype.kind in "fiu"


def is_missing(value: Any) -> bool:
    """Whether a value stands for none: None, NaN, pandas' NA and NaT."""
    return (
        value is None or type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and value != value)
    )


def distinct(series: Series) -> tuple[npt.NDArray[np.intp], list[Any]]:
    """For each row an index into the values that occur, and these; None is the missing one."""
    import pyarrow as pa

    try:
        array = series.to_arrow() if hasattr(series, "to_arrow") else pa.array(series, from_pandas=True)
    except pa.ArrowException:  # values of several kinds
        values = [None if is_missing(value) else value for value in series]
        index = dict[Any, int]()
        return np.array([index.setdefault(value, len(index)) for value in values], dtype=np.intp), list(index)
    if isinstance(array, pa.ChunkedArray):
        array = array.unify_dictionaries().combine_chunks()
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    occurring = [None if is_missing(value) else value for value in array.dictionary.to_pylist()]
    return array.indices.fill_null(len(occurring)).to_numpy().astype(np.intp), [*occurring, None]


def _codes(column: Column, series: Series) -> npt.NDArray[np.int32]:
    """The place of each row's value among those of the column, -1 where it is missing."""
    indices, occurring = distinct(series)
    place = {value: i for i, value in enumerate(column.values)} | {None: -1}
    unknown = len(place)
    codes: npt.NDArray[np.int32] = np.array([place.get(v, unknown) for v in occurring], dtype=np.int32)[indices]
    strange = codes == unknown
    if strange.any():
        row = int(np.argmax(strange))
        levels = ", ".join(map(repr, column.values[:5])) + (" …" if len(column.values) > 5 else "")
        value = occurring[indices[row]]
        raise UsageError(
            f"row {row}: column {column.name!r} is {value!r}, not one of its {unknown - 1} levels {levels}"
        )
    return codes
