"""Which format a file is in."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from mex import UsageError
from mex.hooks import extension, extensions
from mex.params import Check

READERS = {
    "skops": "mex_file.skops_reader",
    "pickle": "mex_file.pickle_reader",
    "onnx": "mex_file.onnx_reader",
    "xgboost": "mex_file.xgboost_reader",
    "lightgbm": "mex_file.lightgbm_reader",
    "catboost": "mex_file.catboost_reader",
    "ydf": "mex_file.ydf_reader",
    "treelite": "mex_file.treelite_reader",
    "pmml": "mex_file.pmml_reader",
    "mlflow": "mex_file.mlflow_reader",
}
"""The module that reads each format."""
ENDINGS = {
    ".skops": "skops",
    ".joblib": "pickle",
    ".pkl": "pickle",
    ".pickle": "pickle",
    ".onnx": "onnx",
    ".ubj": "xgboost",
    ".xgb": "xgboost",
    ".txt": "lightgbm",
    ".lgb": "lightgbm",
    ".cbm": "catboost",
    ".cb": "catboost",
    ".tl": "treelite",
    ".pmml": "pmml",
}


def a_format() -> Check:
    """The name of a format: one of ours, or of a plugin."""
    return Check(
        f"one of {', '.join(READERS)}, or a format of a plugin",
        lambda v: isinstance(v, str) and (v in READERS or v in extensions("format")),
        {"type": "string"},
    )


def reader_of(form: str) -> Any:
    """What reads a format, a :class:`mex.toolkit.saved.Reader`."""
    return importlib.import_module(READERS[form]) if form in READERS else extension("format", form)


def format_of(path: Path) -> str:
    """The format of a file or folder, by its name, and of JSON by what is in it; of a plugin, if it is none of ours.

    Raises:
        UsageError: if there is no such file, or it tells none of the formats.
    """
    if not path.exists():
        raise UsageError(f"there is no file {path}")
    if path.suffix.lower() not in {*ENDINGS, ".json"}:
        for name in extensions("format"):
            if path.suffix.lower() in extension("format", name).ENDINGS:
                return name
    if path.is_dir():
        if (path / "MLmodel").exists():
            return "mlflow"
        if (path / "data_spec.pb").exists():
            return "ydf"
        raise UsageError(
            f"{path} is a folder, and neither one of MLflow (with MLmodel in it) nor of YDF (data_spec.pb)"
        )
    if path.suffix.lower() == ".json":
        return _of_json(path)
    if path.suffix.lower() in ENDINGS:
        return ENDINGS[path.suffix.lower()]
    raise UsageError(
        f"{path} does not tell its format: say format=…, one of {', '.join([*READERS, *extensions('format')])}"
    )


def _of_json(path: Path) -> str:
    import json

    try:
        keys = set(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, OSError, TypeError) as error:
        raise UsageError(f"{path} cannot be read as JSON ({error})") from None
    if "learner" in keys:
        return "xgboost"
    if {"oblivious_trees", "trees", "features_info"} & keys:
        return "catboost"
    raise UsageError(f"{path} is JSON of no model that is known here: XGBoost's and CatBoost's are")
