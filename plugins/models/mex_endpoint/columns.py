"""The columns that a server takes, as it tells them: MLflow's signature, V2 metadata, an OpenAPI document."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from mex import Schema, UsageError
from mex.schema import Column, Kind

KINDS: dict[Kind, tuple[str, ...]] = {
    "number": ("double", "float", "fp16", "fp32", "fp64", "number"),
    "integer": ("long", "integer", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    "boolean": ("boolean", "bool"),
    "category": ("string", "bytes"),
}
"""Kinds of columns, and what MLflow, V2 and OpenAPI call their types."""
DTYPES: dict[Kind, str] = {"number": "float64", "integer": "int64", "boolean": "bool"}


@attrs.frozen
class Told:
    """What a server tells of one column.

    Attributes:
        name: None where columns have none.
        kind: as of a :class:`mex.schema.Column`; None for anything else.
        lower, upper, levels: as of a column, where they are told.
    """

    name: str | None
    kind: Kind | None = None
    lower: float | None = None
    upper: float | None = None
    levels: tuple[Any, ...] = ()


def described(document: Any) -> list[Told]:
    """The columns in a document that is one of the three; none if it tells none."""
    if isinstance(document, Mapping) and "signature" in document:  # MLmodel
        inputs = (document["signature"] or {}).get("inputs") or "[]"
        document = json.loads(inputs) if isinstance(inputs, str) else inputs
    if isinstance(document, Mapping) and isinstance(document.get("inputs"), list):
        return _of_v2(document["inputs"])
    if isinstance(document, Mapping) and ("openapi" in document or "swagger" in document):
        return _of_openapi(document)
    if isinstance(document, Sequence) and not isinstance(document, str):
        return [Told(str(c["name"]), _kind(c.get("type"))) for c in document if isinstance(c, Mapping) and "name" in c]
    return []


def _kind(given: Any) -> Kind | None:
    return next((kind for kind, names in KINDS.items() if str(given).lower() in names), None)


def _of_v2(inputs: list[Any]) -> list[Told]:
    """One tensor a column, or one of all columns."""
    if len(inputs) == 1 and list(inputs[0].get("shape") or [])[1:] not in ([], [1]):
        width = inputs[0]["shape"][-1]
        return [Told(None, _kind(inputs[0].get("datatype"))) for _ in range(width)] if width > 0 else []
    return [Told(str(tensor.get("name")), _kind(tensor.get("datatype"))) for tensor in inputs]


def _of_openapi(document: Mapping[str, Any]) -> list[Told]:
    """The columns of the object of most scalars that some request's body holds."""
    found = max(_objects(document), key=len, default={})
    return [_of_property(name, given) for name, given in found.items()]


def _objects(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The properties, all of them scalars, of each object in the bodies of requests."""
    for path in (document.get("paths") or {}).values():
        for how in path.values() if isinstance(path, Mapping) else ():
            body = how.get("requestBody") if isinstance(how, Mapping) else None
            for content in ((body or {}).get("content") or {}).values():
                yield from _inside(content.get("schema") or {}, document, 0)


def _inside(schema: Any, document: Mapping[str, Any], depth: int) -> Iterator[dict[str, Any]]:
    schema = _resolved(schema, document)
    if depth > 8 or not isinstance(schema, Mapping):
        return
    properties = {name: _resolved(given, document) for name, given in (schema.get("properties") or {}).items()}
    scalars = {name: given for name, given in properties.items() if _of_property(name, given).kind}
    if scalars and len(scalars) == len(properties):
        yield scalars
    for part in (*properties.values(), schema.get("items"), *schema.get("anyOf", ()), *schema.get("allOf", ())):
        yield from _inside(part, document, depth + 1)


def _resolved(schema: Any, document: Mapping[str, Any]) -> Any:
    if not isinstance(schema, Mapping):
        return {}
    found: Any = document
    for part in str(schema.get("$ref", "")).split("/")[1:]:
        found = found.get(part) if isinstance(found, Mapping) else None
    return schema if found is document else found or {}


def _of_property(name: str, given: Mapping[str, Any]) -> Told:
    choices = [part for part in given.get("anyOf", ()) if part.get("type") != "null"]
    given = {**given, **choices[0]} if len(choices) == 1 else given
    levels = tuple(given.get("enum") or ())
    low = given.get("minimum", given.get("exclusiveMinimum"))
    high = given.get("maximum", given.get("exclusiveMaximum"))
    return Told(name, "category" if levels else _kind(given.get("type")), low, high, levels)


def read(path: Path) -> list[Told]:
    """The columns that a file describes.

    Raises:
        UsageError: if it cannot be read, or describes none.
    """
    try:
        text = path.read_text(encoding="utf-8")
        with_json = text.lstrip().startswith(("{", "["))
        found = described(json.loads(text) if with_json else importlib.import_module("yaml").safe_load(text))
    except ImportError:
        raise UsageError(f"{path} needs pyyaml to be read: pip install pyyaml") from None
    except Exception as error:
        raise UsageError(f"{path} cannot be read as a description of columns ({error})") from None
    if not found:
        raise UsageError(f"{path} describes no columns: it is no MLmodel, V2 metadata or OpenAPI document that does")
    return found


def applied(schema: Schema, told: Sequence[Told]) -> Schema:
    """The schema of a table with the kinds, ranges and levels that a server tells of its columns.

    What the server does not tell stays as the table shows it.

    Raises:
        UsageError: if the server takes columns that the table has not.
    """
    if not told:
        return schema
    names = [str(column.name) for column in schema.columns]
    if told[0].name is None:
        if len(told) != len(names):
            raise UsageError(f"the endpoint takes {len(told)} columns, and the table has {len(names)}")
        told = [attrs.evolve(column, name=name) for column, name in zip(told, names, strict=True)]
    by_name = {str(column.name): column for column in told}
    missing = [name for name in by_name if name not in names]
    if len(missing) == len(by_name):
        return schema  # it calls them otherwise
    if missing:
        raise UsageError(f"the endpoint takes {len(told)} columns, and the table has no {', '.join(missing[:5])}")
    columns = [_told(c, by_name[name]) for c, name in zip(schema.columns, names, strict=True) if name in by_name]
    return attrs.evolve(schema, columns=columns)


def _told(column: Column, told: Told) -> Column:
    if told.levels:
        return Column(column.name, "category", levels=told.levels, optional=column.optional)
    numeric = column.kind in ("number", "integer")
    if told.kind == "boolean" and column.kind == "integer" and (column.lower, column.upper) == (0, 1):
        return Column(column.name, "boolean", optional=column.optional, dtype="bool")
    if not numeric or (told.kind != "number" and told.kind != "integer"):
        return column
    low = column.lower if told.lower is None else float(told.lower)
    high = column.upper if told.upper is None else float(told.upper)
    return attrs.evolve(column, kind=told.kind, lower=low, upper=high, dtype=DTYPES[told.kind])
