"""What was read, in a sentence and in a table."""

from __future__ import annotations

from typing import Any

import numpy as np

from mex.dataset import Dataset
from mex.schema import Column

SHOWN = 5
"""How many classes or levels are named."""

KINDS = {
    "number": ("number", "numbers"),
    "integer": ("whole number", "whole numbers"),
    "boolean": ("truth value", "truth values"),
    "category": ("category", "categories"),
}


def summary(dataset: Dataset) -> str:
    """What a dataset holds, in one sentence: rows, columns by kind, the target and its classes, what was left out.

    >>> from mex.toolkit.tabular.datasets import dataset_of
    >>> clinic = {"age": [41, 29, None], "risk": ["low", "high", "high"]}
    >>> summary(dataset_of("clinic", clinic, target="risk"))
    'clinic: 3 rows, 1 of them with missing values; 1 whole number; target risk: high (2), low (1)'
    """
    n = len(dataset.X)
    gaps = int(np.isnan(dataset.X).any(axis=1).sum())
    rows = f"{n} rows" + (f", {gaps} of them with missing values" if gaps else "")
    name = f"target {dataset.target}".rstrip()
    return "; ".join([f"{dataset.name}: {rows}", _columns(dataset), f"{name}: {_targets(dataset)}", *dataset.notes])


def _columns(dataset: Dataset) -> str:
    """The columns by kind."""
    if dataset.schema is None:
        return f"{dataset.domain.n_features} features"
    parts = []
    for kind, (one, many) in KINDS.items():
        levels = [len(column.levels) for column in dataset.schema.columns if column.kind == kind]
        if levels:
            of = f" of {sum(levels)} levels" if kind == "category" else ""
            parts.append(f"{len(levels)} {one if len(levels) == 1 else many}{of}")
    return ", ".join(parts)


def _targets(dataset: Dataset) -> str:
    """The classes with the number of their rows, or the range of the values."""
    if not dataset.class_names:
        return f"{dataset.y.min():g} to {dataset.y.max():g}"
    counts = np.bincount(dataset.y, minlength=len(dataset.class_names))
    shown = [f"{name} ({count})" for name, count in zip(dataset.class_names[:SHOWN], counts, strict=False)]
    return ", ".join(shown) + (f", … ({len(counts)} classes)" if len(counts) > SHOWN else "")


def described(column: Column) -> dict[str, Any]:
    """What a column is, as values for a table or JSON."""
    return {
        "name": str(column.name),
        "kind": KINDS[column.kind][0],
        "range": None if column.values else [column.lower, column.upper],
        "levels": list(column.levels) or None,
        "missing": column.optional,
    }
