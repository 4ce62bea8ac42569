"""Tables of rows and answers, as ``mex ledger --export`` writes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from mex import Schema, UsageError
from mex.answers import USUAL, answer_kinds
from mex.types import Answer, FloatArray

BESIDE = ("attempt", "occurrence")
"""Columns that are neither sent nor answered."""


def read_table(path: Path, *, parquet: bool) -> tuple[dict[str, Any], FloatArray, dict[Answer, list[Any]]]:
    """What such a table tells of its model, its rows, and the answers of each kind.

    Raises:
        UsageError: if it cannot be read, or has no column of answers.
    """
    import pyarrow.csv
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(path) if parquet else pyarrow.csv.read_csv(path)
    except (OSError, pa.ArrowException):
        raise UsageError(
            f"{path} is no ledger, no access log, and no table that mex ledger --export has written"
        ) from None
    kinds: dict[Answer, list[str]] = {kind: [] for kind in usual_first(answer_kinds())}
    for name in table.column_names:
        for kind, names in kinds.items():
            if name == kind or (kind not in USUAL and name.startswith(f"{kind} ")):
                names.append(name)
    told = [name for names in kinds.values() for name in names]
    sent = [name for name in table.column_names if name not in (*told, *BESIDE)]
    if not told or not sent:
        raise UsageError(f"{path} has no columns of answers, such as label or proba, beside what was sent")
    answered = np.ones(table.num_rows, dtype=bool)
    for name in told[:1]:
        answered = table[name].is_valid().to_numpy(zero_copy_only=False)
    table = table.filter(pa.array(answered))
    schema = Schema.of(table.select(sent))
    answers = {kind: _together(table, kind, names) for kind, names in kinds.items() if names}
    labels = answers.get("label")
    about = {
        "features": list(schema.domain.names),
        "schema": schema.to_dict(),
        "classes": _classes([name.removeprefix("proba ") for name in kinds["proba"]], labels),
    }
    return about, schema.encode(table.select(sent)), answers


def usual_first(kinds: Sequence[Answer]) -> list[Answer]:
    """Kinds of answer in the order in which a record gives them."""
    return [*USUAL, *(kind for kind in kinds if kind not in USUAL)]


def _together(table: Any, kind: Answer, names: list[str]) -> list[Any]:
    columns = [table[name].to_pylist() for name in names]
    return columns[0] if names == [kind] else list(map(list, zip(*columns, strict=True)))


def _classes(names: list[str], labels: list[Any] | None) -> list[Any] | None:
    """The classes in the order of their probabilities, in the type of the labels; without any, the labels in order."""
    if labels is None:
        return names or None
    found = sorted(set(labels), key=lambda label: (str(type(label)), label))
    if not names:
        return found
    by_name = {str(label): label for label in found}
    return [by_name.get(name, _like(name, found)) for name in names]


def _like(name: str, labels: list[Any]) -> Any:
    kind = type(labels[0])
    return kind(name) if kind in (int, float) else name
