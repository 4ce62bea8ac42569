"""What the columns of a table are: the schema of a data frame, an array, mappings."""

from __future__ import annotations

import importlib.util
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mex.errors import UsageError
from mex.schema import Column, Schema
from mex.toolkit.tabular import dtypes
from mex.toolkit.tabular.doubts import LARGEST
from mex.toolkit.tabular.frames import LIBRARIES
from mex.toolkit.tabular.reading import Series, columns_of, distinct, is_missing, numbers

SINGLE = {"float32", "Float32", "arrow float", "float"}
DOUBLE = {"float64", "Float64", "arrow double", "double"}
"""How the libraries call floats of 32 and of 64 bits."""


def frame_of_file(path: Path) -> Any:
    """A CSV, Parquet or Feather file as a data frame."""
    from mex.toolkit.tabular.arrowfile import ENDINGS, read_arrow
    from mex.toolkit.tabular.csvfile import Reading, read_csv

    read = read_arrow if path.suffix.lower() in ENDINGS else read_csv
    return data_frame(read(path.expanduser(), Reading(trusted=True)).columns)


def data_frame(table: Any) -> Any:
    """A table of pyarrow as a data frame of pandas, which most models have been fitted on; without pandas itself."""
    return table.to_pandas() if importlib.util.find_spec("pandas") else table


def schema_of_table(
    table: Any, names: Iterable[str | int] | None = None, categorical: Collection[str | int] = ()
) -> Schema:
    """The schema of the columns ``names`` of a table, or of all; numbers named in ``categorical`` are categories.

    Raises:
        UsageError: for what is no table, and for a column of neither numbers nor categories.
    """
    found = columns_of(table)
    columns = [column_of(name, found[name], name in categorical) for name in (found if names is None else names)]
    words = {column.dtype for column in columns}
    single = words & SINGLE and not words & DOUBLE
    return Schema(columns, LIBRARIES[library_of(table)], "float32" if single else "float64")


def library_of(table: Any) -> str:
    """The name of the frame that holds a table."""
    package = type(table).__module__.partition(".")[0]
    if package in ("pandas", "polars", "pyarrow"):
        return package
    if isinstance(table, Mapping):
        return "columns"
    return "records" if isinstance(table, Sequence) and isinstance(table[0], Mapping) else "numpy"


def column_of(name: str | int, series: Series, categorical: bool = False) -> Column:
    """The column that a series of values is; ``categorical`` makes levels of its numbers.

    A column of whole numbers only is one of integers, whatever its type. The levels of a category are all that its type
    declares, or else those that occur, sorted, as numbers if they all read as such.

    Raises:
        UsageError: if it is neither numbers nor a category.
    """
    where = f"column {name!r}"
    kind, words, declared = _described(where, series)
    if kind == "number" and not categorical:
        return _numeric(where, name, series, words)
    indices, occurring = distinct(series)
    present = np.zeros(len(occurring), dtype=bool)
    present[indices] = True
    found = [value for value, there in zip(occurring, present, strict=True) if there]
    optional = None in found
    levels = [value for value in (occurring if declared else found) if value is not None]
    levels = levels if declared else ordered(levels)
    if kind == "number":  # 1.0 because of a missing value beside it
        levels = [int(level) if float(level).is_integer() else level for level in levels]
    if not levels:
        raise UsageError(f"{where} has no value in any row; leave it out")
    if kind == "boolean" and not categorical:
        return Column(name, "boolean", optional=optional, dtype=words)
    return Column(name, "category", levels=levels, optional=optional, dtype=words)


def ordered(values: Iterable[Any]) -> list[Any]:
    """Levels or classes, sorted: as numbers if they are or read as such, else as texts.

    >>> ordered(["10", "9"]), ordered(["10", "9", "x"]), ordered([True, 2])
    (['9', '10'], ['10', '9', 'x'], [True, 2])
    """
    texts = sorted(values, key=str)
    try:
        return sorted(texts, key=float)
    except ValueError:
        return texts


def _numeric(where: str, name: str | int, series: Series, words: str) -> Column:
    values = numbers(name, series)
    missing = np.isnan(values)
    known = values[~missing] if missing.any() else values
    if not len(known):
        raise UsageError(f"{where} has no value in any row; leave it out")
    lower, upper = float(known.min()), float(known.max())
    if not (np.isfinite(lower) and np.isfinite(upper)):
        raise UsageError(f"{where} has infinite values; leave it out, or put finite numbers in their place")
    if "int" in words.lower() and max(-lower, upper) > LARGEST:
        raise UsageError(
            f"{where} has whole numbers beyond 2**53, which no float64 holds; is it an identifier? Leave it out"
        )
    whole = np.array_equal(np.round(known), known)
    return Column(name, "integer" if whole else "number", lower, upper, optional=bool(missing.any()), dtype=words)


def _described(where: str, series: Series) -> tuple[str, str, bool]:
    """The kind of a series (of numbers ``number``), its type in words, and whether that declares levels."""
    import narwhals.stable.v2 as nw

    if not isinstance(series, nw.Series):
        array = series if isinstance(series, np.ndarray) else np.asarray(series, dtype=object)
        words = str(array.dtype) if isinstance(series, np.ndarray) else ""
        kind = {"b": "boolean", "U": "category", "O": ""}.get(array.dtype.kind, "number")
        return kind or _kind_of_objects(where, array), words, False
    words, dtype = _words(series.to_native()), series.dtype
    if isinstance(dtype, nw.Categorical | nw.Enum):
        return "category", words, words != "Categorical"  # that of polars shares its levels with other columns
    if dtype == nw.Boolean or dtype == nw.String:
        return "boolean" if dtype == nw.Boolean else "category", words, False
    if dtype.is_float() or dtype.is_integer():
        return "number", words, False
    if dtype == nw.Object or dtype == nw.Unknown:
        return _kind_of_objects(where, series), words, False
    raise UsageError(
        f"{where} is of type {dtype}, neither numbers nor a category; leave it out, or turn it into numbers"
    )


def _words(native: Any) -> str:
    """The words for the type of a native series."""
    package = type(native).__module__.partition(".")[0]
    if package == "pandas":
        with_none = native.dtype == object and any(value is None for value in native)
        return dtypes.OBJECT_WITH_NONE if with_none else dtypes.pandas_words(native.dtype)
    return str(native.type) if package == "pyarrow" else str(native.dtype).partition("(")[0]


def _kind_of_objects(where: str, series: Series) -> str:
    """The kind of a column of Python objects, by the types of those that occur."""
    types = {type(value) for value in series} - {type(None)}
    if float in types and all(is_missing(value) for value in series if isinstance(value, float)):
        types.remove(float)
    types = {plain for kind in types if (plain := _plain(kind)) is not None}
    if types == {bool}:
        return "boolean"
    if types and types <= {int, float}:
        return "number"
    if types <= {str, int, float, bool}:
        return "category"
    names = ", ".join(sorted(t.__name__ for t in types))
    raise UsageError(
        f"{where} holds values of type {names}, neither numbers nor a category; leave it out, or turn it into numbers"
    )


def _plain(kind: type) -> type | None:
    """Python's own type for numpy's, None for what stands for a missing value."""
    for general, plain in ((np.bool_, bool), (np.integer, int), (np.floating, float)):
        if issubclass(kind, general):
            return plain
    return None if kind.__name__ in ("NAType", "NaTType") else kind
