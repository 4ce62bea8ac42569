"""What a record holds: a ledger, the access log of a gateway, or a table that ``mex ledger --export`` has written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from mex import Schema, UsageError
from mex.answers import answer_kinds
from mex.schema import Column
from mex.toolkit.ledger.store import Ledger
from mex.toolkit.ledger.values import rows_of, unpacked
from mex.toolkit.tabular.frames import LIBRARIES
from mex.types import Answer, FloatArray
from mex_recorded.tables import read_table, usual_first

TOLD = ("features", "classes", "schema", "domain", "family")
"""What a record says of its model."""


@attrs.frozen(eq=False)
class Record:
    """What was asked and answered, in order.

    Attributes:
        about: the model: ``features``, ``classes``, ``schema``, ``domain`` and ``family``, as far as they are told.
        X: the rows, shape (n, d).
        answers: of each kind, one a row, None where it was not given.
    """

    about: Mapping[str, Any]
    X: FloatArray
    answers: Mapping[Answer, Sequence[Any]]


def read(path: Path, client: str | None = None) -> Record:
    """The answered rows of a record, of all clients or of one.

    Raises:
        UsageError: if it cannot be read, is no record, or holds no answer.
    """
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        raise UsageError(f"the record {path} cannot be read: {error.strerror}") from None
    if client is not None and start.startswith((b"SQLite format 3", b"PAR1")):
        raise UsageError(f"{path} is the record of one client: client= is for access logs")
    if start.startswith(b"SQLite format 3"):
        record = _of_ledger(path)
    elif start.startswith(b"{"):
        record = _of_log(path, client)
    else:
        record = Record(*read_table(path, parquet=start.startswith(b"PAR1")))
    if not len(record.X):
        raise UsageError(f"the record {path} holds no answer" + (f" to {client!r}" if client else ""))
    return record


def _of_ledger(path: Path) -> Record:
    ledger = Ledger(path, read_only=True)
    about = {name: ledger.note(name) for name in TOLD}
    by_place: dict[tuple[int, int], dict[str, Any]] = {}
    rows: list[bytes] = []
    for row in ledger.rows():
        place = row.attempt, row.place
        if row.y is None:
            continue
        if place not in by_place:
            by_place[place] = {}
            rows.append(row.x)
        by_place[place][row.kind] = row.y
    ledger.close()
    answers: dict[Answer, list[Any]] = {}
    for kind in usual_first(answer_kinds()):
        packed = [given.get(kind) for given in by_place.values()]
        if any(value is not None for value in packed):
            answers[kind] = [unpacked([v], kind, None)[0] if isinstance(v, bytes) else v for v in packed]
    return Record(about, rows_of(rows) if rows else np.empty((0, 0)), answers)


def _of_log(path: Path, client: str | None) -> Record:
    about: Mapping[str, Any] = {}
    rows: list[Any] = []
    answers: dict[Answer, list[Any]] = {kind: [] for kind in usual_first(answer_kinds())}
    for line in _lines(path):
        if "about" in line:
            told = {name: line["about"].get(name) for name in TOLD}
            if about and told != about:
                raise UsageError(f"{path} is the log of several models: keep the lines of one")
            about = told
        if not line.get("answers") or client not in (None, line.get("client")):
            continue
        rows += [[np.nan if value is None else value for value in row] for row in line["X"]]
        for kind, of in answers.items():
            of += line["answers"].get(kind, [None] * len(line["X"]))
    if not about:
        raise UsageError(f"{path} is no access log of mex serve: no line says what is served")
    width = len(about.get("features") or ())
    X = np.array(rows, dtype=np.float64).reshape(len(rows), width)
    return Record(about, X, {kind: of for kind, of in answers.items() if any(value is not None for value in of)})


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a log; the last one may be torn."""
    torn = ""
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, text in enumerate(file, 1):
            if torn:
                raise UsageError(torn)
            try:
                line = json.loads(text)
            except ValueError:
                torn = f"{path}, line {number}: that is no line of an access log"
                continue
            yield line if isinstance(line, dict) else {}


def schema_of(record: Record) -> Schema | None:
    """The tables that the clients sent, if the record tells."""
    told = record.about.get("schema")
    return None if told is None else Schema.of(told)


def of_rows(record: Record) -> Schema:
    """Columns of numbers that reach as far as the rows do, where the record tells no schema."""
    names = record.about.get("features") or range(record.X.shape[1])
    low, high = np.nanmin(record.X, axis=0), np.nanmax(record.X, axis=0)
    columns = [Column(name, lower=low[i], upper=high[i], dtype="float64") for i, name in enumerate(names)]
    return Schema(columns, LIBRARIES["numpy"])
