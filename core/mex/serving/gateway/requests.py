"""What a request asks: the tables of version 2 of the inference protocol, and of MLflow."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, TypeAlias

import attrs
import numpy as np

from mex.errors import MexError
from mex.types import Answer, Array

Columns: TypeAlias = dict[str, list[Any]] | list[list[Any]]
"""Values by the names of columns, or rows without names."""

OUTPUTS: dict[str, tuple[Answer, ...]] = {"predict": ("label", "value"), "predict_proba": ("proba",)}
"""What the outputs of version 2 of the protocol are called, and the kinds of answer that they are."""
NUMBERS = ("FP16", "FP32", "FP64", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64")


class BadRequest(MexError):
    """A request that cannot be answered, through its own fault: ``status`` says which."""

    def __init__(self, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.status = status


@attrs.frozen(eq=False)
class Asked:
    """What a request asks.

    Attributes:
        table: the rows.
        kinds: of answer, as (output, kind); none is the usual one.
        name: what the client calls the request, if anything.
    """

    table: Columns
    kinds: tuple[tuple[str, Answer], ...] = ()
    name: str | None = None


def parsed(body: bytes) -> dict[str, Any]:
    """The JSON object that a body is.

    Raises:
        BadRequest: if it is none, or has what JSON has not, such as NaN.
    """
    try:
        given = json.loads(body, parse_constant=_no_constant)
    except BadRequest:
        raise
    except (ValueError, RecursionError):
        raise BadRequest("the body is not JSON") from None
    if not isinstance(given, dict):
        raise BadRequest("the body is not a JSON object")
    return given


def _no_constant(name: str) -> NoReturn:
    raise BadRequest(f"the body is not JSON: {name} is no number of it (a missing value is null)")


def read_mlflow(body: Mapping[str, Any], answers: Sequence[Answer]) -> Asked:
    """What a request to ``/invocations`` asks.

    Raises:
        BadRequest: if it is none.
    """
    forms: dict[str, Callable[[Any], Columns]] = {
        "inputs": _rows_or_columns,
        "instances": _rows_or_columns,
        "dataframe_split": _split,
        "dataframe_records": _records,
    }
    found = [name for name in forms if name in body]
    if len(found) != 1:
        raise BadRequest(f"the body must have one of {', '.join(forms)}")
    return Asked(forms[found[0]](body[found[0]]))


def read_v2(body: Mapping[str, Any], answers: Sequence[Answer]) -> Asked:
    """What a request to ``/v2/models/NAME/infer`` asks.

    Raises:
        BadRequest: if it is none.
    """
    inputs = body.get("inputs")
    if not isinstance(inputs, list) or not inputs or not all(isinstance(part, dict) for part in inputs):
        raise BadRequest("the body must have inputs, a list of tensors")
    tensors = [_tensor(part) for part in inputs]
    if len(tensors) == 1 and tensors[0].ndim == 2:
        table: Columns = tensors[0].tolist()
    else:
        table = {}
        for part, tensor in zip(inputs, tensors, strict=True):
            if tensor.ndim > 1 and tensor.shape != (len(tensor), 1):
                raise BadRequest(f"input {part['name']!r} is one of several and must be one column, shape [n, 1]")
            if part["name"] in table:
                raise BadRequest(f"input {part['name']!r} is there twice")
            table[part["name"]] = tensor.ravel().tolist()
    name = body.get("id")
    return Asked(table, tuple(_outputs(body.get("outputs"), answers)), name if isinstance(name, str) else None)


def _tensor(part: Mapping[str, Any]) -> Array:
    name, shape, datatype, data = (part.get(key) for key in ("name", "shape", "datatype", "data"))
    if not isinstance(name, str):
        raise BadRequest("an input must have a name")
    sizes = isinstance(shape, list) and all(type(size) is int and size >= 0 for size in shape)
    if not (sizes and shape and len(shape) <= 2):
        raise BadRequest(f"input {name!r} must have a shape of one or two whole numbers")
    if datatype not in (*NUMBERS, "BOOL", "BYTES"):
        raise BadRequest(f"input {name!r} must have a datatype, such as FP64, INT64, BOOL or BYTES")
    if not isinstance(data, list):
        raise BadRequest(f"input {name!r} must have data, a list")
    flat = [value for row in data for value in row] if data and all(isinstance(row, list) for row in data) else data
    if len(flat) != math.prod(shape):
        raise BadRequest(f"input {name!r} has {len(flat)} values, and its shape says {math.prod(shape)}")
    whole = np.empty(len(flat), dtype=object)
    whole[:] = flat
    return whole.reshape(shape)


def _outputs(given: Any, answers: Sequence[Answer]) -> list[tuple[str, Answer]]:
    if given is None or given == []:
        return []
    if not isinstance(given, list) or not all(isinstance(part, dict) for part in given):
        raise BadRequest("outputs must be a list of objects with a name")
    found = []
    for part in given:
        kinds = OUTPUTS.get(str(part.get("name")), ())
        kind = next((kind for kind in kinds if kind in answers), None)
        if kind is None:
            there = [name for name, kinds in OUTPUTS.items() if not set(kinds).isdisjoint(answers)]
            raise BadRequest(f"there is no such output; there are: {', '.join(there)}")
        found.append((str(part["name"]), kind))
    return found


def _rows_or_columns(given: Any) -> Columns:
    if isinstance(given, dict):
        return _checked_columns(given)
    if isinstance(given, list) and given and all(isinstance(row, dict) for row in given):
        return _records(given)
    return _checked_rows(given)


def _split(given: Any) -> Columns:
    if not isinstance(given, dict) or "data" not in given:
        raise BadRequest("dataframe_split must have columns and data")
    rows, names = _checked_rows(given["data"]), given.get("columns")
    if names is None:
        return rows
    if not (isinstance(names, list) and all(isinstance(name, str) for name in names)) or len(set(names)) < len(names):
        raise BadRequest("the columns of dataframe_split must be different names")
    if rows and len(rows[0]) != len(names):
        raise BadRequest(f"dataframe_split has {len(names)} columns and rows of {len(rows[0])} values")
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}


def _records(given: Any) -> Columns:
    if not isinstance(given, list) or not given or not all(isinstance(row, dict) for row in given):
        raise BadRequest("records must be a list of objects, one a row")
    if any(row.keys() != given[0].keys() for row in given):
        raise BadRequest("the rows of a request must all have the same columns")
    return {name: [row[name] for row in given] for name in given[0]}


def _checked_columns(given: Mapping[str, Any]) -> Columns:
    columns = {name: value if isinstance(value, list) else [value] for name, value in given.items()}
    if len({len(values) for values in columns.values()}) > 1:
        raise BadRequest("the columns of a request must all have the same length")
    return columns


def _checked_rows(given: Any) -> list[list[Any]]:
    if not isinstance(given, list) or not all(isinstance(row, list) for row in given):
        raise BadRequest("the rows of a request must be lists of values")
    if any(len(row) != len(given[0]) for row in given):
        raise BadRequest("the rows of a request must all have the same length")
    return given
