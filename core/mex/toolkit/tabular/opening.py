"""Models that are deployed already, behind the schema of the tables that their users send."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from mex.answers import checked_answers
from mex.dataset import Table
from mex.errors import UsageError, sentence
from mex.fitted import FittedTarget
from mex.knowledge import Family
from mex.schema import Column, Schema
from mex.toolkit.tabular import inference
from mex.toolkit.tabular.adapters import target_of
from mex.toolkit.tabular.encoders import Name, names_of, reader_of_texts
from mex.toolkit.tabular.frames import LIBRARIES
from mex.toolkit.tabular.reading import columns_of, is_missing
from mex.types import Answer, BoolArray, Estimator, FloatArray


def open_model(
    model: Estimator,
    table: Table | None,
    *,
    like: Any = None,
    schema: Schema | None = None,
    classes: npt.ArrayLike | None = None,
    family: Family | None = None,
    answers: tuple[Answer, ...] | None = None,
    frame: str = "",
    precision: str = "",
) -> FittedTarget:
    """The target that a fitted model is, with the schema of what it takes.

    Args:
        model: any object with ``predict``; what it tells of its columns goes before what tables show.
        table: what its users send, if known; the ranges of numbers reach as far as its rows do.
        like: another table, or the path of a CSV or Parquet file, that shows kinds, levels and ranges, by
            default ``table``.
        schema: the columns, declared: nothing is read off the model or a table then.
        classes, family, answers: as :meth:`mex.FittedTarget.wrap` takes them.
        frame, precision: how the model takes its tables and which float it computes in, where it is known better than
            a table shows; as :class:`mex.Schema` has them.

    Raises:
        UsageError: if it is no model, or one of texts alone; if the table has not the columns that it takes, or it does
            not answer the first row.
    """
    if not (callable(model) or callable(getattr(model, "predict", None))):
        raise UsageError(f"a model needs a predict method, and {type(model).__name__} has none, nor is it a function")
    if reader := reader_of_texts(model):
        raise UsageError(
            f"{type(model).__name__} takes one text a row, not a table, as it starts with {reader}; one that starts"
            f" with make_column_transformer(({reader}(), 'NAME')) takes tables"
        )
    if schema is None:
        schema = _read_off(model, table, like, frame, precision)
    target = target_of(model, schema, classes=classes, family=family, answers=answers)
    if answers is None and hasattr(model, "apply"):
        target = attrs.evolve(target, answers=(*target.answers, "leaf"))
    return target if table is None else _tried(target, schema.encode(features_of(model, table, schema)))


def _read_off(model: Estimator, table: Table | None, like: Any, frame: str, precision: str) -> Schema:
    """The schema of what a model takes, by what it tells and tables show."""
    shown = inference.frame_of_file(Path(like)) if isinstance(like, str | Path) else like
    shown = table if shown is None else Table("like", shown)
    schema = Schema.of(model, like=None if shown is None else features_of(model, shown))
    if frame == "numpy" or (not frame and names_of(model) is None and hasattr(model, "n_features_in_")):
        schema = _of_arrays(schema)  # it was fitted on an array
    elif frame:
        schema = attrs.evolve(schema, frame=LIBRARIES[frame])
    if table is not None and shown is not table:
        schema = _reaching(schema, schema.encode(features_of(model, table)))
    return _in_its_precision(attrs.evolve(schema, precision=precision or schema.precision))


def features_of(model: Estimator, table: Table, schema: Schema | None = None) -> Any:
    """The part of a table that a model takes: without the target, and what it does not know.

    A model that tells no names takes all columns, in their order, but for the target: the one that was said to be it,
    or the last if there is one too many.
    """
    columns = list(columns_of(table.columns))
    names = [column.name for column in schema.columns] if schema else names_of(model)
    named = any(isinstance(name, str) for name in columns)
    if names is not None and (named or set(names) <= set(columns)):
        return table.columns  # a column that is not there is told by who looks for it
    taken = [name for name in columns if name != table.target]
    width = getattr(model, "n_features_in_", None) if names is None else len(names)
    if table.target is None and table.labels is None and width == len(taken) - 1:
        taken.pop()
    return table.columns if taken == columns else _part(table.columns, taken)


def _part(table: Any, names: list[Name]) -> Any:
    """Some columns of a table, as the same kind of table."""
    import narwhals.stable.v2 as nw

    if isinstance(table, Mapping):
        return {name: table[name] for name in names}
    if isinstance(table, Sequence):
        return [{name: row[name] for name in names} for row in table]
    frame = nw.from_native(table, eager_only=True, pass_through=True)
    return frame.select(list(map(str, names))).to_native() if isinstance(frame, nw.DataFrame) else table[:, names]


def _of_arrays(schema: Schema) -> Schema:
    """The same columns, sent as an array: without names."""
    mixed = any(column.kind == "category" and not _numeric(column.levels) for column in schema.columns)
    dtype = "object" if mixed else "float64"
    return Schema([attrs.evolve(c, dtype=dtype) for c in schema.columns], LIBRARIES["numpy"], schema.precision)


def _numeric(levels: Sequence[Any]) -> bool:
    return all(isinstance(level, int | float) for level in levels)


def _reaching(schema: Schema, X: FloatArray) -> Schema:
    """The same with ranges that some rows lie in as well."""
    columns, place = list[Column](), 0
    for column in schema.columns:
        if not column.values:
            known = X[:, place][~np.isnan(X[:, place])]
            low, high = min([column.lower, *known[:1], *known]), max([column.upper, *known])
            column = attrs.evolve(column, lower=low, upper=high)
        columns.append(column)
        place += len(column.features)
    return attrs.evolve(schema, columns=columns)


def _in_its_precision(schema: Schema) -> Schema:
    """Of a model that computes in float32 the bounds are numbers of float32, so that the outermost step is inside."""
    if schema.precision != "float32":
        return schema

    def above(bound: float) -> float:
        near = np.float32(bound)
        return float(near if float(near) >= bound else np.nextafter(near, np.float32(np.inf)))

    return attrs.evolve(
        schema, columns=[attrs.evolve(c, lower=-above(-c.lower), upper=above(c.upper)) for c in schema.columns]
    )


def _tried(target: FittedTarget, X: FloatArray) -> FittedTarget:
    """The target after it has answered one complete row; one that refuses missing values takes complete rows only.

    Raises:
        UsageError: if it does not answer.
    """
    complete: BoolArray = ~np.asarray(np.isnan(X).any(axis=1))
    kind = target.answers[0]
    if complete.any():
        try:
            checked_answers(target.answer(X[complete][:1], kind), 1, kind, target.classes, "it")
        except Exception as error:
            name = getattr(target.estimator, "name", type(target.estimator).__name__)
            what = f"{name} does not answer a row of its own table"
            raise UsageError(f"{what} ({' '.join(sentence(error).split())})") from error
    if complete.all() or not target.domain.incomplete:
        return target
    with contextlib.suppress(Exception):
        given = target.answer(X[~complete][:1], kind)
        if not any(is_missing(value) for value in np.ravel(given).tolist()):
            return target
    assert target.schema is not None
    schema = target.schema.complete()
    return attrs.evolve(target, schema=schema, domain=schema.domain)
