"""The schema of the tables that a fitted model takes: what it tells of them, and what a table shows."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs

from mex.composition import core_of
from mex.errors import Incompatible, UsageError, suggest
from mex.hooks import extension, extensions
from mex.schema import Column, Frame, Schema
from mex.toolkit.tabular import dtypes, inference
from mex.toolkit.tabular.encoders import Levels, Name, levels_of, names_of, texts_of
from mex.toolkit.tabular.frames import LIBRARIES
from mex.toolkit.tabular.reading import columns_of
from mex.types import Estimator


def schema_of_model(model: Estimator, like: Any = None) -> Schema:
    """The schema of what a fitted model takes; a plugin's reader, if one knows it, goes before ours.

    Args:
        model: what it tells (names, levels) goes before what ``like`` shows.
        like: a table as the model takes them (other columns do not matter), a schema, or the path of a CSV or Parquet
            file.

    Raises:
        UsageError: if the model tells no columns and ``like`` is not given, or lacks one of them.
    """
    for reader in extensions("schema"):
        if (read := extension("schema", reader)(model, like)) is not None:
            theirs: Schema = read
            return theirs
    names = names_of(model)
    table = inference.frame_of_file(Path(like)) if isinstance(like, str | Path) else like
    if table is None:
        return _untold(model, names)
    there = [column.name for column in table.columns] if isinstance(table, Schema) else list(columns_of(table))
    for name in names or ():
        if name not in there:
            raise UsageError(
                f"the model takes a column {name!r}, and the table has none{suggest(str(name), map(str, there))}"
            )
    width = getattr(model, "n_features_in_", None)
    if names is None and width not in (None, len(there)):
        raise UsageError(f"the model takes {width} columns and the table has {len(there)}; give those that it takes")
    names = names or there
    levels = levels_of(model, names)
    shown = table if isinstance(table, Schema) else inference.schema_of_table(table, names, levels)
    columns = {column.name: column for column in shown.columns}
    merged = [_merged(columns[name], levels[name]) if name in levels else columns[name] for name in names]
    if _tells_categories_by_dtype(model):
        merged = [_typed(column, shown.frame) if column.name in levels else column for column in merged]
    texts = texts_of(model, names)
    merged = [attrs.evolve(column, free_text=column.name in texts) for column in merged]
    return Schema(merged, shown.frame, "float32" if _is_single(model) else shown.precision)


def _untold(model: Estimator, names: list[Name] | None) -> Schema:
    """What a model alone tells: of numbers no range."""
    width = getattr(model, "n_features_in_", None)
    if names is None and width is None:
        raise UsageError(f"{type(model).__name__} does not tell its columns: give a table as it takes them (like=)")
    taken = names or list(range(int(width or 0)))
    levels = {name: known for name, known in levels_of(model, taken).items() if known}
    frame = "pandas" if names else "numpy"
    columns = [
        _told(name, levels[name], frame, model) if name in levels else Column(name, dtype="float64") for name in taken
    ]
    if frame == "numpy" and levels:
        columns = [attrs.evolve(column, dtype="object") for column in columns]
    return Schema(columns, LIBRARIES[frame], "float32" if _is_single(model) else "float64")


def _told(name: Name, levels: list[Any], frame: str, model: Estimator) -> Column:
    """A category of which only the model has told."""
    dtype = "object"
    if frame == "pandas":
        import pandas as pd

        dtype = "category" if _tells_categories_by_dtype(model) else dtypes.pandas_words(pd.Series(levels).dtype)
    return _merged(Column(name, "category", levels=["?"], dtype=dtype), levels)


def _merged(column: Column, levels: Levels) -> Column:
    """A column of a table with the levels that a model knows."""
    if levels is None or column.kind == "boolean":
        return column
    known = [level for level in levels if level is not None]
    if all(isinstance(level, str) for level in column.levels) and _cut(column.levels) == known:
        known = list(column.levels)
    if not any(isinstance(level, str) for level in known):  # 1.0 because of a missing value beside it
        known = [int(level) if float(level).is_integer() else level for level in known]
    optional = column.optional or None in levels
    whole = optional and re.fullmatch(r"u?int\d+", column.dtype)  # of numpy's types, only floats may be missing
    return Column(column.name, "category", levels=known, optional=optional, dtype="float64" if whole else column.dtype)


def _tells_categories_by_dtype(model: Estimator) -> bool:
    """Whether what is at the core of a model takes for categories what the types of the table's columns say."""
    with contextlib.suppress(Incompatible):
        model = core_of(model).estimator
    library = type(model).__module__.partition(".")[0]
    return library in ("lightgbm", "xgboost") or getattr(model, "categorical_features", None) == "from_dtype"


def _typed(column: Column, frame: Frame) -> Column:
    """A category of texts in the type that the library of a data frame has for categories."""
    words = {"pandas": "category", "polars": "Enum"}.get(frame.name)
    texts = column.kind == "category" and all(isinstance(level, str) for level in column.levels)
    there = any(word in column.dtype for word in ("category", "Enum", "Categorical", "dictionary"))
    return attrs.evolve(column, dtype=words) if words and texts and not there else column


def _cut(levels: Sequence[str]) -> list[str]:
    """The levels that XGBoost keeps of ``levels``: it cuts their UTF-8 by the number of characters, not of bytes.

    >>> _cut(["Bern", "Köln", "Wien"])
    ['Bern', 'Köl', 'nWie']
    """
    together, ends = "".join(levels).encode(), [0, *itertools.accumulate(map(len, levels))]
    return [together[start:end].decode(errors="replace") for start, end in itertools.pairwise(ends)]


def _is_single(model: Estimator) -> bool:
    """Whether a model turns its rows into float32."""
    return type(model).__module__.partition(".")[0] in ("xgboost", "catboost") or hasattr(model, "tree_")
