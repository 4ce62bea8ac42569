"""What is replied: answers and errors, as version 2 of the inference protocol has them and as MLflow does."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import attrs

from mex.fitted import FittedTarget
from mex.serving.gateway.requests import OUTPUTS
from mex.serving.gateway.rows import columns_of
from mex.types import Answer, Array

Protocol: TypeAlias = Literal["v2", "mlflow"]
CODES = {429: "RESOURCE_EXHAUSTED", 500: "INTERNAL_ERROR", 502: "INTERNAL_ERROR", 503: "TEMPORARILY_UNAVAILABLE"}
"""What MLflow calls statuses; the others are BAD_REQUEST."""
DATATYPES = {"f": "FP64", "i": "INT64", "u": "INT64", "b": "BOOL"}


@attrs.frozen
class Reply:
    """A status, a JSON object and headers."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = attrs.field(factory=dict)

    @property
    def content(self) -> bytes:
        """The body as it is sent."""
        return json.dumps(self.body, allow_nan=False).encode()


def v2_reply(model: str, name: str | None, given: Sequence[tuple[str, Array]]) -> Reply:
    """Answers by the names of their outputs."""
    outputs = [
        {
            "name": output,
            "shape": list(answers.shape) if answers.ndim > 1 else [len(answers), 1],
            "datatype": datatype_of(answers),
            "data": answers.ravel().tolist(),
        }
        for output, answers in given
    ]
    said: dict[str, Any] = {"model_name": model, "model_version": "1", "outputs": outputs}
    return Reply(200, said if name is None else {**said, "id": name})


def mlflow_reply(answers: Array) -> Reply:
    """Answers of one kind."""
    return Reply(200, {"predictions": answers.tolist()})


def error_reply(protocol: Protocol, status: int, sentence: str, wait: float | None = None) -> Reply:
    """An error in one sentence; ``wait`` is how many seconds the client should."""
    headers = {} if wait is None else {"Retry-After": str(max(1, math.ceil(wait)))}
    if protocol == "v2":
        return Reply(status, {"error": sentence}, headers)
    return Reply(status, {"error_code": CODES.get(status, "BAD_REQUEST"), "message": sentence}, headers)


def datatype_of(answers: Array) -> str:
    """What version 2 of the protocol calls the type of some answers."""
    return DATATYPES.get(answers.dtype.kind, "BYTES")


def metadata_of(model: str, target: FittedTarget, shown: Sequence[Answer]) -> dict[str, Any]:
    """What version 2 of the protocol tells of a model: its columns, and what it answers."""
    columns, classes = columns_of(target), target.classes
    kinds = {"number": "FP64", "integer": "INT64", "boolean": "BOOL"}
    inputs = [
        {"name": str(c.name), "datatype": kinds.get(c.kind, "BYTES" if _texts(c.levels) else "FP64"), "shape": [-1, 1]}
        for c in columns
    ]
    if all(c.kind == "number" for c in columns) and not any(isinstance(c.name, str) for c in columns):
        inputs = [{"name": "x", "datatype": "FP64", "shape": [-1, len(columns)]}]
    of_label = "FP64" if classes is None else datatype_of(classes)
    width = 1 if classes is None else len(classes)
    outputs = [
        {
            "name": output,
            "datatype": "FP64" if "proba" in kinds_of else of_label,
            "shape": [-1, width if "proba" in kinds_of else 1],
        }
        for output, kinds_of in OUTPUTS.items()
        if not set(kinds_of).isdisjoint(shown)
    ]
    return {"name": model, "versions": ["1"], "platform": "mex", "inputs": inputs, "outputs": outputs}


def _texts(levels: Sequence[Any]) -> bool:
    return any(isinstance(level, str) for level in levels)
