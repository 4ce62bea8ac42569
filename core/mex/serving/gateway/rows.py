"""The rows of the domain that a requested table is, or a sentence about the first value that is none of a column's."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from mex.errors import UsageError
from mex.fitted import FittedTarget
from mex.schema import Column
from mex.serving.gateway.requests import BadRequest, Columns
from mex.types import FloatArray


def rows_of(table: Columns, target: FittedTarget, most: int) -> FloatArray:
    """The rows of the domain that a table is, shape (n, d).

    Columns with names are found by them, and others are left alone.

    Raises:
        BadRequest: if it has no row or more than ``most``, or a column does not take its value.
    """
    n = len(table) if isinstance(table, list) else len(next(iter(table.values()), []))
    if n == 0:
        raise BadRequest("the request has no row")
    if n > most:
        raise BadRequest(f"the request has {n} rows, and at most {most} are answered at once", 413)
    columns = columns_of(target)
    if isinstance(table, list):
        if len(table[0]) != len(columns):
            raise BadRequest(f"rows must have {len(columns)} values, and these have {len(table[0])}")
        given = [[row[i] for row in table] for i in range(len(columns))]
    else:
        missing = next((column.name for column in columns if str(column.name) not in table), None)
        if missing is not None:
            raise BadRequest(f"the request has no column {missing!r}")
        given = [table[str(column.name)] for column in columns]
    values = [_values(column, of) for column, of in zip(columns, given, strict=True)]
    if target.schema is None:
        return np.array(values, dtype=np.float64).T
    try:
        return target.schema.encode({column.name: of for column, of in zip(columns, values, strict=True)})
    except UsageError as error:
        raise BadRequest(str(error)) from None


def columns_of(target: FittedTarget) -> tuple[Column, ...]:
    """The columns that a model takes; of one of rows, its features."""
    if target.schema is not None:
        return target.schema.columns
    names = target.domain.names or tuple(map(str, range(target.domain.n_features)))
    return tuple(Column(name, optional=target.domain.incomplete) for name in names)


def _values(column: Column, given: list[Any]) -> list[Any]:
    levels = set(column.values)
    if not levels and set(map(type, given)) == {float} and all(map(math.isfinite, given)):
        return given
    values = []
    for row, value in enumerate(given):
        if isinstance(value, list | dict):
            raise BadRequest(f"row {row}: column {column.name!r} has no single value")
        if value is None and not column.optional:
            raise BadRequest(f"row {row}: column {column.name!r} has no value")
        if levels and value is not None and value not in levels:
            raise BadRequest(f"row {row}: column {column.name!r} does not take {_shown(value)}")
        values.append(value if levels else _number(column.name, row, value))
    return values


def _number(name: str | int, row: int, value: Any) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadRequest(f"row {row}: column {name!r} takes numbers, not {_shown(value)}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise BadRequest(f"row {row}: column {name!r} has a number that float64 does not hold")
    return number


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
