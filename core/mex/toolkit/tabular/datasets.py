"""Tables become datasets."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Literal, TypeAlias

import attrs
import numpy as np

from mex.dataset import Dataset
from mex.domain import Domain
from mex.errors import UsageError, suggest
from mex.schema import Schema
from mex.toolkit.tabular.frames import LIBRARIES
from mex.toolkit.tabular.inference import column_of, library_of, ordered
from mex.toolkit.tabular.reading import Series, columns_of, distinct, numbers
from mex.types import Array, BoolArray, FloatArray

Task: TypeAlias = Literal["auto", "classification", "regression"]

MOST_CLASSES = 20
"""A target of numbers with more distinct values than this is a regression, unless the task is given."""


def class_name(value: object) -> object:
    """The class that a person typed, where TOML has read it as a number or a truth value.

    >>> class_name(4), class_name(4.0), class_name(True), class_name("malignant")
    ('4', '4', 'true', 'malignant')
    """
    if isinstance(value, bool) or value in ("True", "False"):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, int | float) else value


def dataset_of(
    name: str,
    table: Any,
    *,
    target: str | int,
    task: Task = "auto",
    categorical: Collection[str | int] = (),
    complete: bool = False,
    notes: Sequence[str] = (),
) -> Dataset:
    """The dataset of a table, one of whose columns is the target.

    A column of numbers is one feature, an integer feature if all are whole; a truth value is one feature of 0 and 1;
    any other column, and those named in ``categorical``, is one-hot: one feature ``column=value`` per value, a group
    of the domain. Values and classes are sorted, as numbers if they all are. The bounds of the domain are the
    smallest and largest values. A row without a target is left out.

    Args:
        name: what people call it.
        table: whatever :func:`mex.toolkit.tabular.reading.columns_of` takes.
        target, task: what is to be predicted; numbers of more than 20 values are a regression by default.
        categorical: columns of numbers that are codes of categories.
        complete: leave out rows with a missing value, before all else.
        notes: what to tell about the reading of the table.

    Raises:
        UsageError: if the target is unknown, or not numbers in a regression; if no feature, no row or a single class
            is left; if a column is neither numbers nor a category.

    >>> clinic = {"age": [41, 29, None], "smoker": ["no", "yes", "no"], "height": [1.75, 1.8, 1.7], "risk": [1, 2, 2]}
    >>> dataset = dataset_of("clinic", clinic, target="risk", complete=True)
    >>> dataset.X, dataset.y, dataset.class_names
    (array([[41.  ,  1.  ,  0.  ,  1.75],
           [29.  ,  0.  ,  1.  ,  1.8 ]]), array([0, 1]), ('1', '2'))
    >>> dataset.domain.names, dataset.domain.groups
    (('age', 'smoker=no', 'smoker=yes', 'height'), ((1, 2),))
    """
    columns = columns_of(table)
    where = f"dataset {name!r}"
    if target not in columns:
        raise UsageError(f"{where} has no column {target!r}{suggest(str(target), map(str, columns))}")
    answers = columns.pop(target)
    if not columns:
        raise UsageError(f"{where} has no column beside its target {target!r}{'; '.join(['', *notes])}")
    y, class_names, known = _target(f"{where}: target", target, answers, task)
    told = list(notes)
    if not known.all():
        told.append(f"{len(known) - len(y)} of {len(known)} rows have no {target!r} and are left out")
        columns = _rows(columns, known)
    frame = LIBRARIES[library_of(table)]

    def encoded(columns: dict[str | int, Series]) -> tuple[Schema, FloatArray]:
        schema = Schema([column_of(c, series, c in categorical) for c, series in columns.items()], frame)
        return schema, schema.encode(columns)

    schema, X = encoded(columns)
    if complete and schema.domain.incomplete:
        whole: BoolArray = ~np.asarray(np.isnan(X).any(axis=1))
        if not whole.any():
            raise UsageError(f"{where} has no complete row: each of its {len(X)} rows has a missing value")
        told.append(f"{len(X) - int(whole.sum())} of {len(X)} rows have missing values and are left out")
        schema, X = encoded(_rows(columns, whole))
        y = y[whole]
    return Dataset(name, X, y, schema.domain, class_names, schema=schema, target=str(target), notes=tuple(told))


def numbered(dataset: Dataset) -> Dataset:
    """The same rows with each one-hot group as one whole number, the place of its value; the rows are no table then.

    >>> domain = Domain([0, 0, 0], [9, 1, 1], groups=[(1, 2)], names=("age", "smoker=no", "smoker=yes"))
    >>> data = numbered(Dataset("clinic", np.array([[4.0, 0, 1], [9.0, 1, 0]]), np.array([0, 1]), domain, ("a", "b")))
    >>> data.X.tolist(), data.domain.names
    ([[4.0, 1.0], [9.0, 0.0]], ('age', 'smoker'))
    """
    old = dataset.domain
    first = {group[0]: group for group in old.groups}
    later = {column for group in old.groups for column in group[1:]}
    kept = [column for column in range(old.n_features) if column not in later]
    values = {c: np.argmax(dataset.X[:, list(g)], axis=1) for c, g in first.items()}
    X = np.column_stack([values.get(column, dataset.X[:, column]) for column in kept]).astype(np.float64)
    domain = Domain(
        [0 if column in first else old.lower[column] for column in kept],
        [len(first[column]) - 1 if column in first else old.upper[column] for column in kept],
        integer=[column in first or old.integer[column] for column in kept],
        names=[old.names[c].partition("=")[0] if c in first else old.names[c] for c in kept] if old.names else (),
    )
    return attrs.evolve(dataset, X=X, domain=domain, schema=None)


def _target(where: str, name: str | int, series: Series, task: Task) -> tuple[Array, tuple[str, ...], BoolArray]:
    """The targets of the rows that have one, the classes, and which rows these are."""
    y, classes, known = _encoded_target(where, name, series, task)
    if task == "auto" and len(classes) > max(MOST_CLASSES, len(y) / 2):
        raise UsageError(f"{where} {name!r} has {len(classes)} different texts in {len(y)} rows: name another target")
    return y, classes, known


def _encoded_target(
    where: str, name: str | int, series: Series, task: Task
) -> tuple[Array, tuple[str, ...], BoolArray]:
    kind = column_of(name, series).kind
    numeric = kind in ("number", "integer")
    if task == "regression" and not numeric:
        raise UsageError(f"{where} {name!r} is not numbers only, so it cannot be a regression's")
    if numeric:
        values = numbers(name, series)
        known = ~np.isnan(values)
        distinct_values, codes = np.unique(values[known], return_inverse=True)
        if task == "regression" or (task == "auto" and len(distinct_values) > MOST_CLASSES):
            return values[known], (), known
        return codes, tuple(str(class_name(float(value))) for value in distinct_values), known
    indices, occurring = distinct(series)
    present = np.bincount(indices, minlength=len(occurring)) > 0
    levels = ordered(value for value, there in zip(occurring, present, strict=True) if there and value is not None)
    place = {value: i for i, value in enumerate(levels)}
    codes = np.array([place.get(value, -1) for value in occurring])[indices]
    known = codes >= 0
    return codes[known], tuple(str(class_name(level)) for level in levels), known


def _rows(columns: dict[str | int, Series], chosen: BoolArray) -> dict[str | int, Series]:
    """Some rows of the columns of a table."""
    listed = chosen.tolist()
    return {
        name: series.filter(listed) if hasattr(series, "filter") else np.asarray(series)[chosen]
        for name, series in columns.items()
    }
