"""What requests to a served model are: arrays of numbers, or the tables that the model takes."""

from __future__ import annotations

import contextlib
import re
import warnings
from typing import Any

import attrs
import numpy as np
from sklearn.utils import get_tags

from mex.schema import Column, Schema
from mex.serving.endpoint import names_are_known
from mex.toolkit.tabular.adapters import rows_of
from mex.toolkit.tabular.encoders import levels_of, names_of
from mex.toolkit.tabular.reading import columns_of, is_named, is_numeric
from mex.types import Estimator, FloatArray

FLOATS = {"polars": "Float64", "pyarrow": "double"}
"""What the libraries call float64, where not so."""


def is_table(X: Any) -> bool:
    """Whether rows are a table with names and columns that are not numbers."""
    return is_named(X) and not all(map(is_numeric, columns_of(X).values()))


def schema_of_requests(model: Estimator, shown: Any) -> Schema | None:
    """The tables that a fitted model is asked; None if it takes arrays of numbers.

    Args:
        model: any object with ``predict``.
        shown: rows as it takes them, if there are any: what the model does not tell is read there.

    Raises:
        UsageError: if it takes tables and neither it nor ``shown`` tells their columns.
    """
    named = is_named(shown)
    if not named and names_of(model) is None and not _categories(model, shown):
        return None
    if names_of(model) is None and hasattr(model, "n_features_in_") and not is_table(shown) and named:
        return None  # fitted on an array
    schema = Schema.of(model, like=shown if named or is_text(shown) else None)
    if not any(column.values for column in schema.columns) and _takes_arrays(model, schema):
        return None
    gaps = False
    with contextlib.suppress(Exception):  # other libraries do not tell
        gaps = bool(get_tags(model).input_tags.allow_nan)
    return attrs.evolve(schema, columns=[as_asked(column, schema.frame.name, gaps) for column in schema.columns])


def rows_of_request(X: Any, schema: Schema, who: str) -> FloatArray:
    """The rows of the domain of a schema that a request asks, with the warning of scikit-learn if it has no names.

    Raises:
        UsageError: for a table without one of the columns, or a value that a column does not take.
    """
    if all(isinstance(column.name, str) for column in schema.columns) and not is_named(X):
        warnings.warn(
            f"X does not have valid feature names, but {who} was fitted with feature names", UserWarning, stacklevel=4
        )
    return rows_of(X, schema)


def a_row(schema: Schema) -> FloatArray:
    """Some row of a schema, shape (1, d)."""
    return schema.domain.sample(1, np.random.default_rng(0))


def is_text(rows: Any) -> bool:
    """Whether rows are an array of texts, or of objects."""
    return rows is not None and np.asarray(rows).dtype.kind in "OU"


def _categories(model: Estimator, shown: Any) -> bool:
    """Whether a model without names takes categories."""
    width = getattr(model, "n_features_in_", None)
    return is_text(shown) or (width is not None and bool(levels_of(model, range(int(width)))))


def _takes_arrays(model: Estimator, schema: Schema) -> bool:
    """Whether a model of columns with names answers an array of numbers as well."""
    with contextlib.suppress(Exception), names_are_known(model):
        model.predict(np.zeros((1, len(schema.columns))))
        return True
    return False


def as_asked(column: Column, frame: str, gaps: bool = False) -> Column:
    """A column as honest users may ask it: a number need not be whole, and may be missing if the model says so."""
    if column.values:
        return column
    nullable = re.fullmatch(r"U?Int\d+|Float\d+", column.dtype) and frame == "pandas"
    dtype = "Float64" if nullable else FLOATS.get(frame, "object" if column.dtype == "object" else "float64")
    return attrs.evolve(column, kind="number", dtype=dtype, optional=column.optional or gaps)
