"""A served model as a folder that MLServer or MLflow serves as it is."""

from __future__ import annotations

import contextlib
import json
import pickle
import platform
import warnings
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import sklearn

from mex.defense import Defended
from mex.errors import Incompatible, Refused, UsageError
from mex.schema import Schema
from mex.serving.base import DefendedEstimator

ROWS = 20
"""Rows that are asked to see whether a defense remembers, and whether the saved model answers as it does."""
TYPES = {"number": ("double", "FP64"), "integer": ("long", "INT64"), "boolean": ("boolean", "BOOL")}
"""What MLflow and version 2 of the inference protocol call the kinds of columns; a category is a text."""


def export(served: DefendedEstimator, to: str, folder: Path, *, name: str = "model", proba: bool = False) -> None:
    """Write a served model, with all that a server needs beside it, into a folder that is not there yet.

    The model in it answers a few rows before the folder is left, as ``served`` does. Whoever serves it installs what
    ``requirements.txt`` names. The folder holds the key of sticky noise.

    Args:
        served: fitted or wrapped.
        to: ``mlserver`` or ``mlflow``.
        folder: where.
        name: what clients call the model.
        proba: for MLflow, which answers one kind: probabilities in place of labels.

    Raises:
        Incompatible: if the defense remembers what it was asked: it would forget in each worker and at each restart.
        UsageError: if the folder is there, the server is none of the two, or it cannot answer so.
    """
    if to not in WRITERS:
        raise UsageError(f"a model is exported to {' or '.join(WRITERS)}, not {to!r}")
    if proba and not hasattr(served, "predict_proba"):
        raise UsageError("this model gives no probabilities behind its defense")
    rows = _some_rows(served)
    check_stateless(served, rows)
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise UsageError(f"cannot make the folder {folder}: {error.strerror}") from None
    loaded = WRITERS[to](served, folder, name, proba)
    if not np.array_equal(_answers(loaded, rows), _answers(served, rows)):
        raise UsageError(f"the model that was saved in {folder} answers otherwise than the one that was given")


def check_stateless(served: DefendedEstimator, rows: Any) -> None:
    """Raise :class:`Incompatible` if answers change what the defense holds, which no other worker would know."""
    copied = pickle.loads(pickle.dumps(served))
    before = _state(copied)
    with contextlib.suppress(Refused):
        _answers(copied, rows)
    if _state(copied) == before:
        return
    target, counts = copied._server.target, False
    while isinstance(target, Defended):
        counts |= type(target).admit is not Defended.admit
        target = target._target
    forgets = "and would begin anew in each worker and at each restart"
    if counts:
        raise Incompatible(f"this defense counts what a client asks {forgets}: put it into a gateway, mex serve")
    raise Incompatible(f"this defense changes as it answers, by drawing noise maybe, {forgets}: say sticky=true")


def _state(served: DefendedEstimator) -> bytes:
    return pickle.dumps(pickle.loads(pickle.dumps(served._server)))  # of a copy: no two of its parts are one by chance


def _answers(served: DefendedEstimator, rows: Any) -> Any:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        return served.predict(rows)


def _some_rows(served: DefendedEstimator) -> Any:
    """Rows as a client sends them."""
    domain, rng = served._server.target.domain, np.random.default_rng(0)
    bounded = type(domain)(
        np.where(np.isfinite(domain.lower), domain.lower, -1.0),
        np.where(np.isfinite(domain.upper), domain.upper, 1.0),
        integer=domain.integer,
        groups=domain.groups,
    )
    X = bounded.sample(ROWS, rng)
    return X if served.schema_ is None else served.schema_.decode(X)


def _mlserver(served: DefendedEstimator, folder: Path, name: str, _: bool) -> Any:
    """``model.joblib``, which is all that the runtime of MLServer for scikit-learn reads, and its settings."""
    import joblib

    joblib.dump(served, folder / "model.joblib")
    settings: dict[str, Any] = {
        "name": name,
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": "./model.joblib", "version": "1"},
        "inputs": _tensors(served.schema_, served.n_features_in_),
    }
    if served.schema_ is not None:
        settings["parameters"]["content_type"] = "pd"
    _write(folder / "model-settings.json", settings)
    _write(folder / "settings.json", {"host": "127.0.0.1", "debug": False})
    _requirements(folder, "mlserver", "mlserver-sklearn", "uvloop<0.22", "joblib", "pandas")
    return joblib.load(folder / "model.joblib")


def _mlflow(served: DefendedEstimator, folder: Path, name: str, proba: bool) -> Any:
    """``model.skops`` and an ``MLmodel`` that trusts the types in it, which MLflow does not by itself."""
    import skops.io

    path = folder / "model.skops"
    skops.io.dump(served, path)
    trusted = skops.io.get_untrusted_types(file=path)
    flavors = {
        "python_function": {
            "env": {"virtualenv": "python_env.yaml"},
            "loader_module": "mlflow.sklearn",
            "model_path": path.name,
            "predict_fn": "predict_proba" if proba else "predict",
            "python_version": platform.python_version(),
        },
        "sklearn": {
            "code": None,
            "pickled_model": path.name,
            "serialization_format": "skops",
            "skops_trusted_types": trusted,
            "sklearn_version": sklearn.__version__,
        },
    }
    told: dict[str, Any] = {"flavors": flavors, "metadata": {"name": name}}
    if served.schema_ is not None:
        told["signature"] = {"inputs": json.dumps(_signature(served.schema_)), "outputs": None, "params": None}
    _write(folder / "MLmodel", told)  # JSON is YAML
    python = {
        "python": platform.python_version(),
        "build_dependencies": ["pip"],
        "dependencies": ["-r requirements.txt"],
    }
    _write(folder / "python_env.yaml", python)
    _requirements(folder, "mlflow", "skops", "pandas")
    return skops.io.load(path, trusted=trusted)


WRITERS: dict[str, Callable[[DefendedEstimator, Path, str, bool], Any]] = {"mlserver": _mlserver, "mlflow": _mlflow}


def _tensors(schema: Schema | None, width: int) -> list[dict[str, Any]]:
    if schema is None:
        return [{"name": "x", "datatype": "FP64", "shape": [-1, width]}]
    kinds = {column.name: TYPES.get(column.kind, ("", "BYTES"))[1] for column in schema.columns}
    return [{"name": str(name), "datatype": datatype, "shape": [-1, 1]} for name, datatype in kinds.items()]


def _signature(schema: Schema) -> list[dict[str, Any]]:
    return [
        {
            "name": str(column.name),
            "type": TYPES.get(column.kind, ("string", ""))[0],
            "required": not column.optional,
        }
        for column in schema.columns
    ]


def _requirements(folder: Path, *others: str) -> None:
    """The packages that the server needs, those that are installed here in the version that wrote the model."""
    lines = []
    for package in ("model-extraction", "scikit-learn", "numpy", *others):
        try:
            lines.append(f"{package}=={metadata.version(package)}")
        except metadata.PackageNotFoundError:
            lines.append(package)
    (folder / "requirements.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write(path: Path, given: Any) -> None:
    path.write_text(json.dumps(given, indent=2) + "\n", encoding="utf-8")
