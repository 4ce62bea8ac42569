"""Models on disk, and tables beside them, for tests of the model ``file``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris

import mex
from mex.app.matrix.cells import Cell
from mex.app.matrix.experiment import measure
from mex_file.model import File

TUMOURS: pd.DataFrame = load_breast_cancer(as_frame=True).frame
DIABETES: pd.DataFrame = load_diabetes(as_frame=True, scaled=False).frame
FLOWERS: pd.DataFrame = load_iris(as_frame=True).frame
X, y = TUMOURS.drop(columns="target"), TUMOURS["target"]


def table(folder: Path, frame: pd.DataFrame) -> Path:
    """A CSV file of a frame."""
    path = folder / "table.csv"
    frame.to_csv(path, index=False)
    return path


def deployed(path: Path, rows: mex.Table | None = None, **params: Any) -> mex.FittedTarget:
    """The target that a file is."""
    return File(path=str(path), **params).open(rows)


def attacked(
    attack: str, model: Path | dict[str, Any], data: Path, answers: Any = None, budget: int = 4000
) -> dict[str, Any]:
    """The record of an attack on a file, or on one with parameters."""
    spec = str(model) if isinstance(model, Path) else {"use": "file", **model}
    registry = mex.load_registry()
    parts = {"attack": attack, "defense": "none", "model": spec, "dataset": str(data)}
    specs = {kind: registry.resolve(kind, spec) for kind, spec in parts.items()}
    record, _ = measure(registry, Cell(**specs, answers=answers, budget=budget))
    return dict(record)


__all__ = ["DIABETES", "FLOWERS", "TUMOURS", "X", "attacked", "deployed", "table", "y"]
