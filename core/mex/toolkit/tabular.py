"""Datasets from tables of text, such as CSV files."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from operator import itemgetter
from typing import Literal, TypeAlias

import attrs
import numpy as np

from mex.dataset import Dataset
from mex.domain import Domain
from mex.errors import UsageError, suggest
from mex.types import Array, FloatArray

Task: TypeAlias = Literal["auto", "classification", "regression"]

MISSING = frozenset({"", "?", "NA", "N/A", "nan", "NaN", "NAN"})
"""The texts that stand for a missing value."""

MOST_CLASSES = 20
"""A numeric target with more distinct values than this is a regression, unless the task is given."""

MOST_CATEGORIES = 1000
"""A column of texts with more distinct values than this is free text, not a category."""


def class_name(value: object) -> object:
    """The class name that TOML has read as a number or a truth value, as text.

    >>> class_name(4), class_name(True), class_name("malignant")
    ('4', 'true', 'malignant')
    """
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def encode(
    name: str,
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    target: str,
    task: Task = "auto",
    left_out: Collection[str] = (),
    categorical: Collection[str] = (),
) -> Dataset:
    """Encode a rectangular table of text as a dataset.

    First, rows with a missing value (:data:`MISSING`) in a column that is used are left out. A column of numbers is one
    feature, an integer feature if all are whole. Any other column, and those named in ``categorical``, is a one-hot
    group with a feature ``column=value`` per value. Values and classes are sorted, as numbers if all are numbers.
    The bounds of the domain are the smallest and the largest values of the rows.

    Args:
        name: the name of the dataset.
        header: the names of the columns.
        rows: the table, each row as long as the header.
        target: the column to predict.
        task: ``auto`` takes numbers with more than :data:`MOST_CLASSES` distinct values for a regression.
        left_out: columns that are not features.
        categorical: columns of numbers that are categories.

    Raises:
        UsageError: if the target is unknown, or not numeric in a regression; if no feature, no complete row or only one
            class is left; if a column has more than :data:`MOST_CATEGORIES` texts.

    >>> header = ["age", "smoker", "height", "risk"]
    >>> rows = [["41", "no", "1.75", "low"], ["29", "yes", "1.8", "high"], ["35", "", "1.7", "high"]]
    >>> dataset = encode("clinic", header, rows, target="risk")
    >>> dataset.X, dataset.y, dataset.class_names
    (array([[41.  ,  1.  ,  0.  ,  1.75],
           [29.  ,  0.  ,  1.  ,  1.8 ]]), array([1, 0]), ('high', 'low'))
    >>> dataset.domain.names, dataset.domain.groups
    (('age', 'smoker=no', 'smoker=yes', 'height'), ((1, 2),))
    >>> dataset.domain.objection(np.array([[30.0, 1, 1, 1.75]]))
    "row 0: exactly one of 'smoker=no', 'smoker=yes' must be 1 and the others 0"
    """
    where = f"dataset {name!r}"
    if target not in header:
        raise UsageError(f"{where} has no column {target!r}{suggest(target, header)}")
    features = [column for column in header if column != target and column not in left_out]
    if not features:
        raise UsageError(f"{where} has no column beside its target {target!r}")
    targets, *table = _complete(where, rows, [header.index(column) for column in [target, *features]])
    y, class_names = _encode_target(f"{where}: target {target!r}", targets, task)
    columns = [
        _Column.of(f"{where}: column {feature!r}", texts, feature in categorical)
        for feature, texts in zip(features, table, strict=True)
    ]
    starts = np.cumsum([0, *(column.width for column in columns)])
    X = np.zeros((len(y), starts[-1]))
    integer = np.zeros(starts[-1], dtype=bool)
    names, groups = list[str](), list[range]()
    for feature, column, start in zip(features, columns, starts[:-1], strict=True):
        if column.categories:
            X[np.arange(len(y)), start + column.values] = 1
            names += [f"{feature}={category}" for category in column.categories]
            groups.append(range(start, start + column.width))
        else:
            X[:, start] = column.values
            integer[start] = np.all(column.values == np.round(column.values))
            names.append(feature)
    domain = Domain(X.min(axis=0), X.max(axis=0), integer=integer, groups=groups, names=names)
    return Dataset(name, X, y, domain, class_names)


@attrs.frozen(eq=False)
class _Column:
    values: Array  # the numbers, or the index into the categories
    categories: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        return len(self.categories) or 1

    @classmethod
    def of(cls, where: str, texts: Sequence[str], categorical: bool) -> _Column:
        numbers = None if categorical else _numbers(texts)
        column = cls(*_indexed(texts)) if numbers is None else cls(numbers)
        if len(column.categories) > MOST_CATEGORIES:
            raise UsageError(f"{where} has {column.width} different texts, and a category may have {MOST_CATEGORIES}")
        return column


def _complete(where: str, rows: Sequence[Sequence[str]], used: Sequence[int]) -> list[tuple[str, ...]]:
    """The columns ``used`` (at least two), in that order, of the rows that have no missing value in them."""
    kept = [row for row in map(itemgetter(*used), rows) if MISSING.isdisjoint(row)]
    if not kept:
        raise UsageError(f"{where} has no complete row: each of its {len(rows)} rows has a missing value")
    return list(zip(*kept, strict=True))


def _encode_target(where: str, texts: Sequence[str], task: Task) -> tuple[Array, tuple[str, ...]]:
    numbers = None if task == "classification" else _numbers(texts)
    if task == "regression" and numbers is None:
        raise UsageError(f"{where} is not numbers only, so it cannot be a regression's")
    if numbers is not None and (task == "regression" or len(np.unique(numbers)) > MOST_CLASSES):
        return numbers, ()
    return _indexed(texts)


def _numbers(texts: Sequence[str]) -> FloatArray | None:
    try:
        return np.array([float(text) for text in texts])
    except ValueError:
        return None


def _indexed(texts: Sequence[str]) -> tuple[Array, tuple[str, ...]]:
    """The index of each text into the distinct ones, and these, sorted."""
    distinct = sorted(set(texts))
    if (numbers := _numbers(distinct)) is not None:
        distinct = [distinct[i] for i in np.argsort(numbers, kind="stable")]
    index = {text: i for i, text in enumerate(distinct)}
    return np.array([index[text] for text in texts]), tuple(distinct)
