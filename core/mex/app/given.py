"""What a user of :func:`mex.attack` gives, as arrays: a model, and rows or tables of any kind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from mex.dataset import Rows, Table
from mex.domain import Domain
from mex.errors import UsageError
from mex.fitted import FittedTarget
from mex.schema import Schema
from mex.target import Target
from mex.toolkit.tabular.adapters import rows_of
from mex.toolkit.tabular.opening import open_model
from mex.toolkit.tabular.reading import is_named
from mex.types import Array, Estimator, FloatArray, dense, stream

SHARE = 0.25
"""The share of the pool that is held out to judge, unless the user says otherwise."""
FEWEST = 10
"""With fewer held-out rows a share of the pool does not judge."""


@attrs.frozen
class Given:
    """A model as a target, and the rows of those who play.

    Attributes:
        target: the model.
        schema: the tables that it takes, if it takes tables.
        pool: what the attacker has.
        train: what the operator has.
        held_out: what the judge has, or None if there is nothing to judge on.
        notes: what was left out, a sentence each.
    """

    target: Target
    schema: Schema | None
    pool: FloatArray | None
    train: Rows
    held_out: FloatArray | None
    notes: tuple[str, ...]


def read_given(
    model: Estimator, like: Any, pool: Any, held_out: Any, train: tuple[Any, Any] | None, seed: int, **options: Any
) -> Given:
    """What was given, as :func:`mex.attack` takes it; ``options`` are those of :meth:`mex.FittedTarget.wrap`.

    Raises:
        UsageError: for rows, tables or a share that are none.
    """
    share = float(held_out) if np.ndim(held_out) == 0 and isinstance(held_out, int | float | np.number) else None
    if share is not None and not 0 < share < 1:
        raise UsageError(f"held_out must be rows, a share of the pool between 0 and 1, or None, not {held_out!r}")
    tables = [pool, None if share is not None else held_out, train[0] if train else None]
    shown = [table for table in tables if table is not None]
    target = model if isinstance(model, Target) else _target(model, like, shown, **options)
    schema: Schema | None = like if isinstance(like, Schema) else getattr(target, "schema", None)
    (X, gaps), (judged, more) = (
        _encoded(table, schema, name) for table, name in zip(tables[:2], ("pool", "held_out"), strict=True)
    )
    X, judged = (rows if rows is None else _on_the_bounds(rows, target.domain) for rows in (X, judged))
    notes = [f"{gap} rows with a missing value were left out" for gap in [gaps + more] if gap]
    if share is not None and X is not None:
        X, judged = _dealt(X, share, seed)
        if judged is None:
            notes.append(f"{share:.0%} of {len(X)} rows of the pool are too few to judge on: give held_out=rows")
    elif judged is None:
        notes.append("nothing was held out to judge on: give held_out=rows, or a pool")
    rows = Rows(np.empty((0, target.domain.n_features)), np.empty(0))
    if train:
        encoded = _encoded(train[0], schema, "train", complete=False)[0]
        rows = Rows(encoded if encoded is not None else rows.X, np.asarray(train[1]))
    return Given(target, schema, X, rows, judged, tuple(notes))


def _target(
    model: Estimator, like: Any, shown: Sequence[Any], *, domain: Domain | None, family: Any, classes: Any, answers: Any
) -> FittedTarget:
    """The target that a model is: of tables as ``like`` or a frame among those ``shown`` has them, else of arrays."""
    options = {"family": family, "classes": classes, "answers": answers}
    if like is None:
        like = next(filter(is_named, shown), None)
    if like is None:
        if domain is None and not hasattr(model, "n_features_in_") and shown:
            domain = Domain.reals(_rows(shown[0], "pool or held_out").shape[1])
        return FittedTarget.wrap(model, domain=domain, **options)
    if isinstance(like, Schema):
        target = open_model(model, None, schema=like, **options)
    elif isinstance(like, str | Path):
        target = open_model(model, None, like=like, **options)
    else:
        target = open_model(model, Table("like", like), **options)
    return target if domain is None else attrs.evolve(target, domain=domain)


def _encoded(table: Any, schema: Schema | None, name: str, complete: bool = True) -> tuple[FloatArray | None, int]:
    """The rows of a table, and how many were left out of it because a value is missing."""
    if table is None:
        return None, 0
    X = _rows(table, name) if schema is None else rows_of(table, schema)
    whole = ~np.isnan(X).any(axis=1) if complete else np.ones(len(X), dtype=bool)
    if not whole.any():
        raise UsageError(f"{name} has no row without a missing value")
    return X[whole], int((~whole).sum())


def _rows(given: Any, name: str) -> FloatArray:
    """Rows of numbers, whatever holds them."""
    try:
        X: Array = dense(given)
        rows = X.astype(np.float64) if X.dtype.kind in "fiubO" else None
    except (TypeError, ValueError):
        rows = None
    if rows is None or rows.ndim != 2:
        raise UsageError(f"{name} must be rows of numbers, shape (n, d), or tables that the model takes (like=)")
    return rows


def _on_the_bounds(X: FloatArray, domain: Domain) -> FloatArray:
    """The rows with what float32 has rounded past a bound put on it."""
    if X.shape[1] != domain.n_features:
        raise UsageError(f"rows of the model have {domain.n_features} features, not {X.shape[1]}")
    inside = np.clip(X, domain.lower, domain.upper)
    return np.where(np.abs(inside - X) <= np.finfo(np.float32).eps * np.abs(inside), inside, X)


def _dealt(pool: FloatArray, share: float, seed: int) -> tuple[FloatArray, FloatArray | None]:
    """The attacker's rows of a pool, and the judge's, if they are enough."""
    n = round(share * len(pool))
    if n < FEWEST or n == len(pool):
        return pool, None
    held = np.zeros(len(pool), dtype=bool)
    held[stream(seed, "held out").choice(len(pool), n, replace=False)] = True
    return pool[~held], pool[held]
