"""The schema of whatever shows one: a table, a file, a fitted model, a schema that was saved."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mex.errors import UsageError
from mex.schema import Column, Schema
from mex.toolkit.tabular.frames import LIBRARIES
from mex.toolkit.tabular.inference import frame_of_file, schema_of_table
from mex.toolkit.tabular.models import schema_of_model


def schema_of(source: Any, *, like: Any = None) -> Schema:
    """As :meth:`mex.Schema.of` says."""
    if isinstance(source, Mapping) and {"frame", "columns"} <= source.keys() <= {"frame", "columns", "precision"}:
        return _from_dict(source)
    if callable(getattr(source, "predict", None)) or callable(source):
        return schema_of_model(source, like)
    if isinstance(source, str | Path):
        return schema_of_table(frame_of_file(Path(source)))
    return schema_of_table(source)


def _from_dict(saved: Mapping[str, Any]) -> Schema:
    if saved["frame"] not in LIBRARIES:
        raise UsageError(f"a schema's frame is one of {', '.join(LIBRARIES)}, not {saved['frame']!r}")
    columns = [Column(**column) for column in saved["columns"]]
    return Schema(columns, LIBRARIES[saved["frame"]], saved.get("precision", "float64"))
