"""What a reply says: labels, probabilities or values, or a sentence about what it says instead."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np

from mex import AnswerError
from mex.answers import OURS, answer_kind
from mex.toolkit.tabular.datasets import class_name
from mex.types import Answer, Array
from mex_endpoint.template import Template, at


@attrs.frozen(eq=False)
class Reply:
    """The answers to some rows as they came.

    Attributes:
        values: one a row, or a list of numbers a row.
        floating: whether the server says that they are floating-point numbers; None if it does not say.
    """

    values: list[Any]
    floating: bool | None = None

    @property
    def kind(self) -> Answer | None:
        """What they are, as far as they tell: numbers that may be values, or labels, are None."""
        if any(isinstance(value, list) and len(value) > 1 for value in self.values):
            return "proba"
        flat = [value[0] if isinstance(value, list) else value for value in self.values]
        if any(isinstance(value, str | bool) for value in flat):
            return "label"
        fractions = any(isinstance(value, float) and not value.is_integer() for value in flat)
        if not (fractions or self.floating):
            return None
        return "proba" if all(0 <= value <= 1 for value in flat) else "value"


def read(template: Template, content: bytes, content_type: str, n: int, kind: Answer) -> Reply:
    """The answers in a reply to ``n`` rows that were asked for one kind of answer.

    Of several outputs it is the one that was asked for: a server that puts the requests of several clients together may
    give everybody what each of them asked for, in the order of the first.

    Raises:
        AnswerError: if they are not there, or not as many as the rows.
    """
    try:
        parsed = _parsed(content, content_type)
    except Exception:  # whatever a parser says to bytes that are none of its own
        what = "array" if "npy" in content_type else "table" if "csv" in content_type else "JSON"
        raise AnswerError(f"the reply is no {what}") from None
    try:
        found = at(parsed, template.answer)
    except LookupError:
        raise AnswerError(f"the reply has nothing at {template.answer}") from None
    if kind in template.outputs:
        found = _output(parsed, template, template.outputs[kind], found)
    floating = None
    if isinstance(found, Mapping) and isinstance(found.get("data"), list):  # a tensor
        values, floating = found["data"], _floating(found.get("datatype"))
        if values and len(values) != n and len(values) % n == 0 and not isinstance(values[0], list):
            values = [values[i : i + len(values) // n] for i in range(0, len(values), len(values) // n)]
    else:
        values = found
    if not isinstance(values, list) or len(values) != n:
        count = f"{len(values)} answers" if isinstance(values, list) else "no list of answers"
        raise AnswerError(f"{n} rows were asked and the reply has {count}")
    for i, value in enumerate(values):
        for part in (value or [None]) if isinstance(value, list) else [value]:
            if not (isinstance(part, str | bool) or _finite(part)):
                raise AnswerError(f"the reply has no answer for row {i + 1} of {n}")
    if len({len(value) if isinstance(value, list) else 0 for value in values}) > 1:
        raise AnswerError("the reply has answers of different lengths")
    return Reply(values, floating)


def _floating(datatype: Any) -> bool | None:
    return datatype.upper().startswith(("FP", "BF")) if isinstance(datatype, str) and datatype else None


def _output(reply: Any, template: Template, name: str, found: Any) -> Any:
    """The output of that name beside the one that was found; if there is none, the one that was found."""
    outputs = at(reply, template.answer.rpartition("/")[0])
    if not isinstance(outputs, list):
        return found
    return next((output for output in outputs if isinstance(output, Mapping) and output.get("name") == name), found)


def _finite(value: Any) -> bool:
    try:
        return isinstance(value, int | float) and math.isfinite(value)
    except OverflowError:  # a whole number that no float holds
        return False


def _parsed(content: bytes, content_type: str) -> Any:
    if "npy" in content_type:
        return np.load(io.BytesIO(content), allow_pickle=False).tolist()
    text = content.decode("utf-8")
    if "csv" in content_type:
        rows = [line.split(",") for line in text.splitlines() if line]
        return [_number(row[0]) if len(row) == 1 else list(map(float, row)) for row in rows]
    return json.loads(text)


def _number(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def as_kind(reply: Reply, kind: Answer, classes: Array | None) -> Array:
    """The answers as a target gives them.

    Raises:
        AnswerError: if they are of another kind, or labels that are none of the classes.
    """
    flat = [value[0] if isinstance(value, list) and len(value) == 1 else value for value in reply.values]
    if kind not in OURS:  # the oracle checks what they are
        try:
            return np.array(flat, dtype=answer_kind(kind).type_of(classes))
        except (TypeError, ValueError):
            raise AnswerError(f"the reply has no numbers where {answer_kind(kind).words} were expected") from None
    if kind == "proba":
        return _shares(flat, 0 if classes is None else len(classes), reply.floating)
    if kind == "value":
        if any(isinstance(value, list | str | bool) for value in flat):
            raise AnswerError("the reply has labels or probabilities where values were expected")
        return np.array(flat, dtype=np.float64)
    assert classes is not None
    places = {class_name(label): i for i, label in enumerate(classes.tolist())}
    if classes.dtype == bool:  # which travel as numbers from some servers
        places |= {number: places[name] for number, name in (("0", "false"), ("1", "true")) if name in places}
    strange = next((label for label in flat if isinstance(label, list) or class_name(label) not in places), None)
    if reply.kind == "proba" or (reply.kind == "value" and strange is not None):
        raise AnswerError("the reply has floating-point numbers where labels were expected: they are probabilities?")
    if strange is not None:
        shown = ", ".join(map(repr, classes.tolist()[:5])) + " …" * (len(classes) > 5)
        raise AnswerError(f"the reply has the label {strange!r}, which is none of the classes {shown}")
    return classes[[places[class_name(label)] for label in flat]]


def _shares(flat: list[Any], k: int, floating: bool | None) -> Array:
    if any(isinstance(value, str | bool) for value in flat):
        raise AnswerError("the reply has labels where probabilities were expected")
    try:
        given = np.array(flat, dtype=np.float64)
    except (TypeError, ValueError):
        raise AnswerError("the reply has no numbers where probabilities were expected") from None
    if given.ndim == 1 and k == 2:  # of the second class
        if floating is False:
            raise AnswerError("the reply has whole numbers where probabilities were expected: they are labels?")
        given = np.stack([1 - given, given], axis=1)
    if given.ndim != 2 or given.shape[1] != k:
        wide = given.shape[1] if given.ndim == 2 else 1
        raise AnswerError(f"the reply has {wide} numbers a row where probabilities of {k} classes were expected")
    return given
