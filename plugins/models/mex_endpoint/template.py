"""What a server is sent and where its answers are: one template, with presets for servers of several kinds."""

from __future__ import annotations

import io
import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import attrs
import numpy as np

from mex import UsageError
from mex.errors import suggest
from mex.hooks import extension, extensions
from mex.params import Check
from mex.types import Answer

Records: TypeAlias = list[dict[str, Any]]
"""Rows as a schema decodes them: mappings of columns, None where a value is missing."""


@attrs.frozen(kw_only=True)
class Template:
    """How rows become the body of a request, and where the answers are in the reply.

    Attributes:
        body: JSON in which ``$rows`` (lists of values), ``$records`` (mappings), ``$flat``, ``$shape``, ``$index``,
            ``$columns`` and ``$tensors`` (of version 2 of the inference protocol, one a column) stand for the rows;
            or ``csv`` or ``npy``, which is what is sent then.
        answer: JSON pointer to the answers (RFC 6901).
        outputs: what the server calls its answers of each kind, for servers that give several.
        floats: send whole numbers as 1.0: the type that the model is given may hang on the first row.
        least: rows of a request at least; a single one is sent twice.
    """

    body: Any
    answer: str = ""
    outputs: Mapping[str, str] = attrs.field(factory=dict)
    floats: bool = False
    least: int = 1

    @property
    def content_type(self) -> str:
        """Of the body."""
        return {"csv": "text/csv", "npy": "application/x-npy"}.get(str(self.body), "application/json")

    def request(self, rows: Records, kind: Answer) -> bytes:
        """The body that asks for one kind of answer to some rows."""
        names = list(rows[0])
        values = [[_sent(row[name], self.floats) for name in names] for row in rows]
        values += values[:1] * (self.least - len(values))
        if self.body == "csv":
            return "".join(",".join(map(_csv, row)) + "\n" for row in values).encode()
        if self.body == "npy":
            buffer = io.BytesIO()
            np.save(buffer, np.array(values, dtype=np.float64), allow_pickle=False)
            return buffer.getvalue()
        given = {
            "$rows": values,
            "$records": [dict(zip(names, row, strict=True)) for row in values],
            "$flat": [value for row in values for value in row],
            "$shape": [len(values), len(names)],
            "$index": list(range(len(values))),
            "$columns": names,
            "$tensors": [_tensor(name, [row[i] for row in values]) for i, name in enumerate(names)],
        }
        body = _filled(self.body, given)
        if self.outputs.get(kind):
            body = {**body, "outputs": [{"name": self.outputs[kind]}]}
        return json.dumps(body, allow_nan=False, separators=(",", ":")).encode()


def _sent(value: Any, floats: bool) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if value != value:  # a missing value
        return None
    return float(value) if floats or isinstance(value, float) else int(value)


def _csv(value: Any) -> str:
    if isinstance(value, str):
        return '"' + value.replace('"', '""') + '"' if set(value) & set(',"\r\n') else value
    return "" if value is None else str(value).lower() if isinstance(value, bool) else repr(float(value))


def _tensor(name: str, values: list[Any]) -> dict[str, Any]:
    """One column in version 2 of the inference protocol."""
    given = next((value for value in values if value is not None), 0.0)
    datatypes: tuple[tuple[type, str], ...] = ((bool, "BOOL"), (int, "INT64"), (float, "FP64"), (str, "BYTES"))
    datatype = next(datatype for of, datatype in datatypes if isinstance(given, of))
    return {"name": name, "shape": [len(values), 1], "datatype": datatype, "data": values}


def _filled(body: Any, given: Mapping[str, Any]) -> Any:
    if isinstance(body, str):
        return given.get(body, body)
    if isinstance(body, Mapping):
        return {key: _filled(value, given) for key, value in body.items()}
    return [_filled(value, given) for value in body] if isinstance(body, list) else body


_BOTH = {"label": "predict", "proba": "predict_proba"}
_TENSOR = {"name": "x", "shape": "$shape", "datatype": "FP64", "data": "$flat"}
PRESETS = {
    "v2": Template(body={"inputs": [_TENSOR]}, answer="/outputs/0", outputs=_BOTH, floats=True),
    "v2-columns": Template(
        body={"parameters": {"content_type": "pd"}, "inputs": "$tensors"}, answer="/outputs/0", outputs=_BOTH
    ),
    "mlflow": Template(body={"inputs": "$rows"}, answer="/predictions"),
    "mlflow-split": Template(body={"dataframe_split": {"columns": "$columns", "data": "$rows"}}, answer="/predictions"),
    "instances": Template(body={"instances": "$rows"}, answer="/predictions"),
    "azure": Template(body={"input_data": {"columns": "$columns", "index": "$index", "data": "$rows"}}),
    "bentoml": Template(body={"x": "$rows"}, floats=True),
    "sagemaker": Template(body="npy"),
    "sagemaker-csv": Template(body="csv", least=2),
}
"""Templates by the name of the server, or of its protocol."""


def a_preset() -> Check:
    """The name of a template: one of ours, or of a plugin."""
    return Check(
        f"one of {', '.join(PRESETS)}, or a preset of a plugin",
        lambda v: isinstance(v, str) and (v in PRESETS or v in extensions("preset")),
        {"type": "string"},
    )


def preset(name: str) -> Template:
    """The template of that name.

    Raises:
        UsageError: if what a plugin adds is none: a mapping with the keys of a template in a TOML file.
    """
    return PRESETS[name] if name in PRESETS else _template(extension("preset", name), f"the preset {name!r}")


def read_template(path: Path) -> Template:
    """A template of the user's own, in TOML: ``body``, ``answer``, and any of ``outputs``, ``floats``, ``least``.

    Raises:
        UsageError: if it cannot be read, or is none.
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read as a template ({error})") from None
    return _template(given, str(path))


def _template(given: Mapping[str, Any], who: str) -> Template:
    names = [field.name for field in attrs.fields(Template)]
    for name in given:
        if name not in names:
            raise UsageError(f"{who}: a template has no {name!r}{suggest(name, names)}")
    if "body" not in given:
        raise UsageError(f"{who}: a template says what the body of a request is: body = …")
    return Template(**given)


def at(reply: Any, pointer: str) -> Any:
    """What a JSON pointer points at.

    >>> at({"a": [{"b/c": 5}]}, "/a/0/b~1c")
    5

    Raises:
        LookupError: if there is nothing.
    """
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(reply, Sequence) and not isinstance(reply, str):
            reply = reply[int(key)] if key.isdigit() and int(key) < len(reply) else None
        else:
            reply = reply.get(key) if isinstance(reply, Mapping) else None
        if reply is None:
            raise LookupError(pointer)
    return reply
