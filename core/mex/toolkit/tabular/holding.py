"""What a table holds for a model that is deployed already: rows that it takes, and their true labels."""

from __future__ import annotations

import contextlib
from typing import Any

import attrs
import numpy as np

from mex.dataset import Rows, Table
from mex.errors import UsageError, suggest
from mex.fitted import FittedTarget
from mex.schema import Column
from mex.target import labels
from mex.toolkit.ledger.replay import ReplayTarget
from mex.toolkit.tabular.datasets import class_name
from mex.toolkit.tabular.encoders import Name
from mex.toolkit.tabular.opening import features_of
from mex.toolkit.tabular.reading import columns_of, distinct, numbers
from mex.types import Array, BoolArray, FloatArray

REPEATED = 0.05
"""The share of rows that repeat another from which on it is told."""


@attrs.frozen(eq=False)
class Holding:
    """What a table holds for a deployed model.

    Attributes:
        name: of the table.
        X: its rows as the interface takes them, shape (n, d), complete and inside the domain.
        y: their true labels or values as the model answers them, shape (n,), or None where the table has none.
        columns: how many columns of the table the model takes: a category is one, and a feature for each of its levels.
        notes: what was taken for the labels, what was left out and why.
    """

    name: str
    X: FloatArray
    y: Array | None
    columns: int
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        width = self.X.shape[1]
        columns = f"{self.columns} column{'s' * (self.columns > 1)}, " if self.columns != width else ""
        return "; ".join([f"{self.name}: {len(self.X)} rows of {columns}{width} features", *self.notes])


def hold(target: FittedTarget, table: Table) -> Holding:
    """The rows of a table as a deployed model takes them, and their true labels if the table has them.

    Raises:
        UsageError: if no row is complete and acceptable, or the column of the labels that was named is not there.
    """
    assert target.schema is not None
    X = target.schema.encode(features_of(target.estimator, table, target.schema))
    notes = []
    complete: BoolArray = ~np.asarray(np.isnan(X).any(axis=1))
    if not complete.all():
        notes.append(f"{int((~complete).sum())} of {len(X)} rows have missing values and are left out")
    fine = complete.copy()
    if target.domain.objection(X[complete]):
        fine[complete] = [target.domain.objection(row[None]) is None for row in X[complete]]
        out = int((complete & ~fine).sum())
        notes.append(f"{out} of {len(X)} rows are outside of what the schema allows and are left out")
    if isinstance(target, ReplayTarget) and not target.holds(X[fine]).all():
        asked = target.holds(X[fine])
        fine[fine] = asked
        notes.append(f"{int((~asked).sum())} of {len(X)} rows were never asked and are left out")
    if not fine.any():
        raise UsageError(f"{table.name} has no row that the model takes: {'; '.join(notes) or 'it has no row'}")
    if repeats := _repeats(X[fine]):
        notes.append(repeats)
    notes += [
        f"column {column.name!r} is free text, and attacks ask only the {len(column.levels)} texts that were seen,"
        " while a thief may write others"
        for column in free_texts(target)
    ]
    y, remark = _truth(target, table)
    return Holding(table.name, X[fine], None if y is None else y[fine], len(target.schema.columns), (*notes, remark))


def free_texts(target: FittedTarget) -> list[Column]:
    """The columns of free text: attacks ask but the texts of the rows, where a thief may write others."""
    return [column for column in target.schema.columns if column.free_text] if target.schema else []


def _repeats(X: FloatArray) -> str:
    """What is to be said of rows that are there more than once; "" where they are few."""
    repeated = len(X) - len({row.tobytes() for row in X + 0.0})  # + 0.0: -0.0 and 0.0 are one row
    if repeated < REPEATED * len(X):
        return ""
    return f"{repeated} of them repeat another, so that rows to measure by are among those of the attacker"


def as_rows(target: FittedTarget, X: FloatArray, y: Array | None) -> Rows:
    """Rows for defenses to learn from: with their true labels, or what f* answers where there are none."""
    return Rows(X, labels(target, X) if y is None else y)


def _truth(target: FittedTarget, table: Table) -> tuple[Array | None, str]:
    """The true labels or values in the words of the model, or None; and what is to be said about them."""
    name: Name | None = table.target
    if table.labels is not None:
        given, what = table.labels, "the labels"
    else:
        assert target.schema is not None
        columns, taken = columns_of(table.columns), [column.name for column in target.schema.columns]
        if name is not None and name not in columns:
            raise UsageError(f"{table.name} has no column {name!r}{suggest(str(name), map(str, columns))}")
        rest = [other for other in columns if other not in taken]
        name = name if name is not None else next(reversed(rest), None)
        if name is None or name in taken:
            return None, "no labels, so no accuracy is measured"
        given, what = columns[name], f"labels in column {name!r}"
    if target.classes is None:
        return _values(given, what, bool(table.class_names))
    if table.labels is not None and table.class_names:
        return _matched(target.classes, np.asarray(given), list(table.class_names), what, coded=True)
    return _matched(target.classes, *distinct(given), what)


def _values(given: Any, what: str, coded: bool) -> tuple[FloatArray | None, str]:
    with contextlib.suppress(UsageError):
        values = numbers("target", given)
        if np.isfinite(values).all() and not coded:
            return values, what
    return None, f"{what} are no values to compare those of the model with, so no accuracy is measured"


def _matched(
    classes: Array, indices: Array, occurring: list[Any], what: str, coded: bool = False
) -> tuple[Array | None, str]:
    """For each row the class whose name its label is, the labels being ``occurring[indices]``."""
    place = {class_name(label): i for i, label in enumerate(classes.tolist())}
    names = [None if label is None else class_name(label) for label in occurring]
    strange = [occurring[i] for i in np.unique(indices).tolist() if names[i] not in place]
    if not strange:
        return classes[[place.get(name, 0) for name in names]][indices], what
    if coded and classes.tolist() == list(range(len(occurring))):  # fitted on the indices of the classes
        return classes[indices], what
    shown = ", ".join(map(repr, classes.tolist()[:5])) + " …" * (len(classes) > 5)
    return None, f"{what} have {strange[0]!r}, none of the model's classes {shown}, so no accuracy is measured"
