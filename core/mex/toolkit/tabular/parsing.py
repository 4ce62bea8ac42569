"""What the texts of a column are: numbers, truth values, a category."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterable
from typing import Any

import attrs
import numpy as np

from mex.toolkit.tabular import doubts
from mex.toolkit.tabular.textfile import Texts

MISSING = (
    *("", "?", "-", "NA", "N/A", "n/a", "#N/A", "#NA", "<NA>"),
    *("nan", "NaN", "NAN", "NULL", "Null", "null", "None", "none"),
)
"""The texts that stand for a missing value; but for "-" in a column that has "+" as well."""

DIGITS = b"0123456789+-.eE"
"""The bytes of numbers; without this, pyarrow reads nan, inf and 0x1F as numbers as well."""


@attrs.frozen
class Parsed:
    """A column that has been read.

    Attributes:
        values: a pyarrow array of numbers, truth values or texts.
        doubt: why a person must decide what it is, if so.
        remark: what was done to it, to be told.
    """

    values: Any
    doubt: doubts.Doubt | None = None
    remark: str = ""


def parse(name: str, texts: Texts, *, decimal: str, missing: Collection[str] = MISSING, role: str = "") -> Parsed:
    """Read a column of texts.

    Args:
        name: of the column; some are those of identifiers.
        texts: a chunked pyarrow array of strings.
        decimal: the decimal mark, ``.`` or ``,``.
        missing: texts that stand for no value.
        role: what a person has decided that it is: ``numeric``, ``categorical`` or ``asis`` (no doubts).
    """
    import pyarrow.compute as pc

    values = numbers(texts, decimal)
    if values is None:
        texts = _trimmed(texts, missing)
        values = numbers(texts, decimal)
    if values is not None:
        if role == "categorical" and doubts.starts_with_zero(texts):
            return Parsed(texts)
        return Parsed(values, None if role else doubts.of_numbers(name, texts, values))
    if role == "numeric":
        return _lenient(texts, decimal)
    counted = pc.value_counts(texts.drop_null())
    counts = dict(zip(counted.field(0).to_pylist(), counted.field(1).to_pylist(), strict=True))
    if role != "categorical" and counts and {text.lower() for text in counts} <= {"true", "false"}:
        return Parsed(pc.equal(pc.utf8_lower(texts), "true"))
    return Parsed(texts, None if role else doubts.of_texts(counts, len(texts), decimal))


def decimal_mark(columns: Iterable[Texts]) -> str:
    """The decimal mark of a table: the comma if numbers in its first rows have one and none has a point.

    A comma before three digits may part thousands and tells nothing.
    """
    texts = [text for column in columns for text in column.slice(0, 1000).to_pylist() if text]
    comma = any("," in text and re.fullmatch(r" *[+-]?(\d*,(\d{1,2}|\d{4,})|0?,\d+) *", text) for text in texts)
    return "," if comma and not any(re.fullmatch(r" *[+-]?\d*\.\d+ *", text) for text in texts) else "."


def numbers(texts: Texts, decimal: str) -> Any:
    """The numbers that all texts are, as int64 or float64, or None."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if decimal == ",":
        if pc.any(pc.match_substring(texts, ".")).as_py():
            return None
        texts = pc.replace_substring(texts, ",", ".")
    used = b"".join(map(_bytes, texts.chunks))
    if used.translate(None, DIGITS):
        return None
    whole = not texts.null_count and not any(mark in used for mark in b"+.eE")
    for dtype in [pa.int64()] * whole + [pa.float64()]:
        with contextlib.suppress(pa.ArrowInvalid):
            return pc.cast(texts, dtype)
    return None


def _bytes(chunk: Any) -> bytes:
    """All texts of an array, one after the other."""
    _, offsets, data = chunk.buffers()
    start, stop = np.frombuffer(offsets, np.int32)[[chunk.offset, chunk.offset + len(chunk)]]
    return bytes(memoryview(data)[start:stop]) if data is not None else b""


def _trimmed(texts: Texts, missing: Collection[str]) -> Texts:
    """The texts without blanks around them, those that stand for a missing value null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    trimmed = pc.utf8_trim_whitespace(texts)
    sign = "-" in missing and pc.any(pc.equal(trimmed, "+")).as_py()
    none = pa.array([text for text in missing if not (sign and text == "-")], pa.string())
    return pc.if_else(pc.is_in(trimmed, none), None, trimmed)


def _lenient(texts: Texts, decimal: str) -> Parsed:
    """The numbers in texts with units and parted thousands; what holds none is missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    array = pc.dictionary_encode(texts.combine_chunks())
    read = {text: doubts.quantity(text, decimal) for text in array.dictionary.to_pylist()}
    values = pa.array(list(read.values()), pa.float64()).take(array.indices)
    lost = values.null_count - texts.null_count
    example = next((text for text, number in read.items() if number is None), "")
    return Parsed(values, remark=f"counts {lost} texts that are no numbers as missing ({example!r})" if lost else "")
