"""Folders of MLflow: what is in them is read by the reader of its own format, not by MLflow, wherever there is one."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from mex import Family, UsageError
from mex.toolkit.saved import Reading, Wishes, library, telling
from mex_file.adapter import Adapter

FLAVORS = {"xgboost": "data", "lightgbm": "data", "catboost": "data", "onnx": "data", "sklearn": "pickled_model"}
"""The flavors whose own format is read, and under which key their file stands."""
PICKLES = (".pkl", ".pickle", ".joblib", ".cloudpickle")


def read(path: Path, wishes: Wishes) -> Reading:
    """Read the model in a folder; one that only Python code makes a model needs ``unsafe``.

    Raises:
        UsageError: if there is none that can be read.
    """
    yaml = library("yaml", path, "mlflow")
    with telling(path, "a folder of MLflow"):
        told = yaml.safe_load((path / "MLmodel").read_text(encoding="utf-8"))
        flavors = told["flavors"]
        columns = json.loads((told.get("signature") or {}).get("inputs") or "[]")
    flavor = next((name for name in FLAVORS if name in flavors), None)
    kinds = {str(c.get("name", i)): f"{c.get('type')}" for i, c in enumerate(columns)}
    facts = {"signature": ", ".join(f"{name} {kind}" for name, kind in kinds.items())} if kinds else {}
    if flavor is None:
        return _python(path, wishes, facts)
    inner = _inside(path, flavors[flavor])
    if flavor == "xgboost" and wishes.reader is None:  # MLflow tells which class it was
        ours = "booster" if str(flavors[flavor].get("model_class", "")).endswith("Booster") else "estimator"
        wishes = attrs.evolve(wishes, reader=ours)
    form = "pickle" if inner.suffix.lower() in PICKLES else "skops" if inner.suffix.lower() == ".skops" else flavor
    read: Reading = importlib.import_module(f"mex_file.{form}_reader").read(inner, wishes)
    names = [str(column["name"]) for column in columns if "name" in column]
    unnamed = isinstance(read.model, Adapter) and not hasattr(read.model, "feature_names_in_")
    if unnamed and len(names) == getattr(read.model, "n_features_in_", None):
        read.model.feature_names_in_ = np.array(names, dtype=object)
    return attrs.evolve(read, facts={**read.facts, **facts, "folder": f"MLflow, flavor {flavor}"})


def _inside(path: Path, flavor: Mapping[str, Any]) -> Path:
    """The file of a flavor, which is in the folder."""
    name = next((flavor[key] for key in ("data", "pickled_model") if flavor.get(key)), None)
    inner = (path / str(name)).resolve()
    if name is None or not inner.is_relative_to(path.resolve()) or not inner.exists():
        raise UsageError(f"{path / 'MLmodel'} names {name!r} as the file of its model, and the folder has none")
    if inner.is_dir():
        raise UsageError(f"{inner} is a folder; a model here is one file")
    return inner


def _python(path: Path, wishes: Wishes, facts: Mapping[str, str]) -> Reading:
    if not wishes.unsafe:
        raise UsageError(
            f"{path} holds a model that only Python code of its own opens, which would run here: say"
            f" file:path={path},unsafe=true only if you know who wrote it"
        )
    pyfunc = library("mlflow.pyfunc", path, "mlflow")
    with telling(path, "a folder of MLflow"):
        native = pyfunc.load_model(str(path))
    model = Adapter("MLflow model", values=lambda X: np.asarray(native.predict(X)), own=wishes.classes)
    return Reading(
        model=model,
        family=Family("python_function", reason="only its own code knows what is inside"),
        facts={**facts, "class": "python_function of MLflow", "trusted": "all of it: unsafe=true"},
    )
