"""Parquet and Feather files as tables of numbers, truth values and categories."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mex.errors import UsageError, sentence
from mex.toolkit.tabular.csvfile import Reading, Table, check_names, question
from mex.toolkit.tabular.doubts import Doubt, of_numbers, of_texts

ENDINGS = (".parquet", ".pq", ".feather", ".arrow")
PARQUET = b"PAR1"
"""What a Parquet file starts with."""
LOOK = 1 << 10
"""How many bytes tell text."""


def read_arrow(path: Path, how: Reading, target: str | None = None) -> Table:
    """Read a file of columns that have types; whatever ``target`` holds is taken as it is.

    Decimal numbers become floats. The index of a data frame that was saved is left out.

    Args:
        path: a Parquet file, or one of Feather or Arrow's IPC.
        how: columns to drop, to take for categories, and whether every one is taken for what it is.
        target: the column to predict; by default the last one.

    Raises:
        UsageError: if it cannot be read, or it is in doubt what columns are: one sentence that says what to do.
    """
    import pyarrow as pa

    read = _opened(path)
    names = list(map(str, read.column_names))
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"{path} has two columns {twice!r}")
    if not read.num_rows:
        raise UsageError(f"{path} has no rows")
    notes, index = [], [name for name in _index(read) if name in names]
    for name in index:
        notes.append(f"column {name!r} is the index of the data frame that was saved, and is left out")
    target = check_names(path, [name for name in names if name not in index or name == target], how, target)
    kept, doubts = dict[str, Any](), dict[str, Doubt]()
    for name in names:
        if name in how.drop or (name in index and name != target):
            continue
        values = read[name]
        if pa.types.is_decimal(values.type):
            values = values.cast(pa.float64())
        trusted = how.trusted or name == target or name in how.categorical or name in how.numeric
        doubt = None if trusted else _doubt(name, values)
        if doubt is not None and doubt.idle:
            notes.append(f"column {name!r} {doubt.what} and is left out")
            continue
        kept[name] = values
        doubts |= {name: doubt} if doubt else {}
    if doubts:
        raise UsageError(f"{path}: {question(doubts)}")
    for name in () if how.trusted else {target, *how.categorical, *how.numeric} & kept.keys():
        if (doubt := _no_type(kept[name].type)) is not None:
            raise UsageError(
                f"{path}: column {name!r} {doubt.what}: {'name another target' if name == target else 'drop it'}"
            )
    columns = pa.table(kept)
    return Table(columns.replace_schema_metadata(None), target, tuple(notes))


def _opened(path: Path) -> Any:
    """The table in a file.

    Raises:
        UsageError: if there is none.
    """
    import pyarrow as pa
    import pyarrow.feather
    import pyarrow.parquet

    try:
        with path.open("rb") as file:
            parquet = file.read(len(PARQUET)) == PARQUET
        return pyarrow.parquet.ParquetFile(path).read() if parquet else pyarrow.feather.read_table(path)
    except (OSError, pa.ArrowException) as error:
        if path.is_dir():
            raise UsageError(
                f"{path} is a folder: give one file, or read it in Python and hand over the frame"
            ) from None
        if not path.is_file():
            raise UsageError(f"no such file: {path}") from None
        if _is_text(path):
            raise UsageError(f"{path} is text: if it is CSV, give it a name that ends so, or csv:path=FILE") from None
        raise UsageError(f"{path} is no table in Parquet or Feather: {sentence(error)}") from None


def _is_text(path: Path) -> bool:
    """Whether a file begins as one of text does."""
    with path.open("rb") as file:
        head = file.read(LOOK)
    return bool(head) and b"\0" not in head and "\ufffd" not in head[:-3].decode(errors="replace")


def _index(table: Any) -> Iterator[str]:
    """The columns that pandas had for the index of its rows."""
    told = (table.schema.metadata or {}).get(b"pandas")
    for name in json.loads(told).get("index_columns", ()) if told else ():
        if isinstance(name, str):  # a range is no column
            yield name


def _doubt(name: str, values: Any) -> Doubt | None:
    """Why a person must decide what a column is."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = values.type
    if values.null_count == len(values):
        return Doubt("has no value in any row", ("drop",), idle=True)
    if pa.types.is_dictionary(kind) or pa.types.is_boolean(kind):
        return None
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return of_numbers(name, pa.chunked_array([], pa.string()), values)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        counted = pc.value_counts(values.cast(pa.string()).drop_null()).to_pylist()
        return of_texts({pair["values"]: pair["counts"] for pair in counted}, len(values), ".")
    return _no_type(kind)


def _no_type(kind: Any) -> Doubt | None:
    """The doubt about a type that is of neither numbers nor categories, whatever it holds."""
    import pyarrow as pa

    if pa.types.is_temporal(kind):
        return Doubt("holds dates or times", ("drop",))
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return Doubt(f"holds values of type {kind}", ("drop",))
    return None
