"""A ledger as a table: the rows as the client sent them, and what was answered to each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mex.errors import UsageError
from mex.schema import Schema
from mex.toolkit.ledger.store import Ledger
from mex.toolkit.ledger.values import Row, Value, rows_of, unpacked
from mex.toolkit.tabular.reading import columns_of
from mex.types import Array

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIXES = (".csv", ".parquet")


def check_suffix(path: Path) -> None:
    """Raise :class:`UsageError` unless a table can be written to such a file."""
    if path.suffix not in SUFFIXES:
        raise UsageError(f"a ledger is exported as {' or '.join(SUFFIXES)}, not {path.name!r}")


def export(ledger: Ledger, path: Path, suffix: str = "") -> int:
    """Write the answered rows of a ledger to a CSV or a Parquet file; return how many there are.

    ``suffix`` says which of the two it is, by default the name of the file.

    Columns of what was sent come first. ``label`` or ``value``, ``proba CLASS`` and ``leaf I`` say what was answered,
    nothing where it was refused; ``attempt`` says in which request, ``occurrence`` how often the row was asked before.
    """
    import pyarrow.csv
    import pyarrow.parquet

    table = as_table(ledger)
    if (suffix or path.suffix) == ".csv":
        pyarrow.csv.write_csv(table, path)
    else:
        pyarrow.parquet.write_table(table, path)
    return int(table.num_rows)


def as_table(ledger: Ledger) -> pa.Table:
    """The answered rows of a ledger, in the order in which they were asked."""
    import pyarrow as pa

    by_place: dict[tuple[int, int], dict[str, Row]] = {}
    for row in ledger.rows():
        by_place.setdefault((row.attempt, row.place), {})[row.kind] = row
    asked = [next(iter(kinds.values())) for kinds in by_place.values()]
    columns = _sent(ledger, [row.x for row in asked])
    for kind in dict.fromkeys(kind for kinds in by_place.values() for kind in kinds):
        given = [kinds[kind].y if kind in kinds else None for kinds in by_place.values()]
        columns |= _answers(kind, given, ledger.note("classes"))
    columns["attempt"] = [row.attempt for row in asked]
    columns["occurrence"] = [row.occurrence for row in asked]
    return pa.table({name: pa.array(values) for name, values in columns.items()})


def _sent(ledger: Ledger, rows: list[bytes]) -> dict[str, Any]:
    """The columns of what was sent."""
    names, schema = ledger.note("features") or [], ledger.note("schema")
    X = rows_of(rows) if rows else np.empty((0, len(names)))
    if schema is None or not rows:
        return {str(name): X[:, i] for i, name in enumerate(names)}
    told = Schema.of(schema)
    columns = zip(told.columns, columns_of(told.decode(X)).values(), strict=True)
    return {str(column.name): list(values) for column, values in columns}


def _answers(kind: str, given: list[Value], classes: list[Any] | None) -> dict[str, Any]:
    """The columns of one kind of answer."""
    if not any(isinstance(value, bytes) for value in given):
        return {kind: given}
    width = next(unpacked([value], kind, None).shape[1] for value in given if isinstance(value, bytes))
    names = classes if kind == "proba" and classes else range(width)
    numbers: Array = np.array(
        [unpacked([value], kind, None)[0] if isinstance(value, bytes) else [None] * width for value in given],
        dtype=object,
    )
    return {f"{kind} {name}": list(numbers[:, i]) for i, name in enumerate(names)}
