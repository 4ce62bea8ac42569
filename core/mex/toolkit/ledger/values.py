"""Rows and answers as a ledger holds them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from mex.answers import answer_kind
from mex.target import refusals
from mex.types import Answer, Array, FloatArray

Value: TypeAlias = str | float | bytes | None
"""One answer: a label as it is, a value, an id of a leaf; several numbers as bytes; nothing where it was refused."""


Question: TypeAlias = tuple[bytes, int]
"""A row by its key, and how often it was asked before."""


class Row(NamedTuple):
    """One answer: the ``place``-th of its attempt."""

    attempt: int
    place: int
    kind: str
    occurrence: int
    x: bytes
    y: Value


def keys_of(X: FloatArray) -> list[bytes]:
    """What names each row of ``X``, shape (n, d): a digest of 16 bytes, the same for -0.0 and 0.0."""
    rows = np.ascontiguousarray(X + 0.0, dtype="<f8")  # no -0.0
    return [key_of(row.data) for row in rows]


def key_of(row: bytes | memoryview) -> bytes:
    """What names a row that has no -0.0."""
    return hashlib.blake2b(row, digest_size=16).digest()


def rows_of(packed: Sequence[bytes]) -> FloatArray:
    """The rows of a ledger, shape (n, d)."""
    return np.frombuffer(b"".join(packed), "<f8").reshape(len(packed), -1)


def packed(answers: Array) -> list[Value]:
    """Each of some answers as one value."""
    given = np.ma.getdata(answers)
    values: list[Value]
    if given.ndim == 1:
        values = given.tolist()
    else:
        values = [row.tobytes() for row in given.astype("<f8" if given.dtype.kind == "f" else "<i8")]
    if isinstance(answers, np.ma.MaskedArray):
        values = [None if gone else value for value, gone in zip(values, refusals(answers).tolist(), strict=True)]
    return values


def unpacked(values: Sequence[Value], kind: Answer, classes: Array | None) -> Array:
    """The answers that were packed, none of them a refusal."""
    dtype = answer_kind(kind).type_of(classes)
    if values and isinstance(values[0], bytes):
        whole = np.issubdtype(np.dtype(dtype), np.integer)
        numbers = np.frombuffer(b"".join(values), "<i8" if whole else "<f8")  # type: ignore[arg-type]
        return numbers.reshape(len(values), -1).astype(dtype, copy=False)
    return np.array(values, dtype=dtype)
