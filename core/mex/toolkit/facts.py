"""What is known of how a fitted model computes its answers: how it compares, what it does with what it has not seen."""

from __future__ import annotations

from typing import Any

import numpy as np

from mex.composition import core_of
from mex.errors import Incompatible
from mex.types import Estimator

RECORDS = "training values"
RECORDS_OF_MANY = "training values of columns of more than 255"
"""What :attr:`mex.Family.public` says of ``thresholds`` that are values of training rows, to the last bit."""
LEAKS = {
    RECORDS: "thresholds of this model are values of its training rows: those that were stolen tell records",
    RECORDS_OF_MANY: (
        "in columns of more than 255 values thresholds of this model are values of its training rows: those that were"
        " stolen tell records"
    ),
}
"""What is noted where such thresholds were stolen."""
MANY = 200
"""Thresholds of a column that may be quantiles, some of which coincide, of more than 255 values."""


def facts_of(model: Estimator) -> dict[str, str]:
    """What is to be told about a fitted model, by its name.

    >>> from sklearn.tree import DecisionTreeClassifier
    >>> facts_of(DecisionTreeClassifier().fit([[0.0], [1.0]], [0, 1]))["comparison"]
    'left where x <= threshold, x as float32; a threshold lies halfway between values of training rows'
    """
    inner = _core(model)
    name, library = type(inner).__name__, type(inner).__module__.partition(".")[0]
    facts = {"class": _chain(model), "leaf ids": "numbers of nodes" if hasattr(model, "apply") else "none"}
    trees = hasattr(inner, "tree_") or any(hasattr(member, "tree_") for member in _members(inner))
    if trees and library == "sklearn":
        facts["inputs"] = "cast to float32"
        facts["comparison"] = (
            "left where x <= threshold, x as float32; a threshold lies halfway between values of training rows"
        )
        facts["missing values"] = "go where training sent them, or most rows went"
    elif name.startswith("HistGradientBoosting"):
        facts["comparison"] = "left where x <= threshold; a threshold lies halfway between values of training rows"
        if records_in(model):
            facts["comparison"] += ", or, in columns of more than 255 values, is one"
        facts["missing values"] = "go where training sent them"
    elif library == "xgboost":
        facts["inputs"] = "cast to float32"
        if getattr(inner, "booster", None) != "gblinear":
            facts["comparison"] = "left where x < threshold; a threshold is a value of a training row"
    elif library == "lightgbm":
        facts["comparison"] = "left where x <= threshold; a threshold lies halfway between values of training rows"
    elif library == "catboost":
        facts["inputs"] = "cast to float32"
        facts["comparison"] = "right where x > border"
    unseen = sorted(set(_unseen(model)))
    if unseen:
        facts["unseen levels"] = f"{'; '.join(unseen)}; mex sends none"
    return facts


def records_in(model: Estimator) -> str:
    """Which thresholds of a fitted model are values of training rows: none, or one of :data:`LEAKS`."""
    inner = _core(model)
    if type(inner).__module__.partition(".")[0] == "xgboost":
        return "" if getattr(inner, "booster", None) == "gblinear" else RECORDS
    mapper = getattr(inner, "_bin_mapper", None)  # of HistGradientBoosting: halves, or quantiles if they are too many
    many = any(len(thresholds) >= MANY for thresholds in getattr(mapper, "bin_thresholds_", ()))
    return RECORDS_OF_MANY if many else ""


def precision_of(model: Estimator) -> str:
    """The float in which a model of trees compares where it is float64: "" for float32, and where it is not known."""
    inner = _core(model)
    double = type(inner).__name__.startswith("HistGradientBoosting") or type(inner).__module__.startswith("lightgbm")
    return "float64" if double else ""


def _core(model: Estimator) -> Estimator:
    try:
        return core_of(model).estimator
    except Incompatible:
        return model


def _members(model: Estimator) -> list[Any]:
    found = getattr(model, "estimators_", None)
    flat = found.ravel().tolist() if isinstance(found, np.ndarray) else found
    return [member for member in flat if not isinstance(member, tuple)] if isinstance(flat, list) else []


def _chain(model: Estimator) -> str:
    """A model and what is in it, by the names of their classes."""
    steps = getattr(model, "steps", None)
    if isinstance(steps, list):
        return f"{type(model).__name__} of {', '.join(type(step).__name__ for _, step in steps)}"
    inner = _core(model)
    return type(model).__name__ + ("" if inner is model else f" of {type(inner).__name__}")


def _unseen(model: Estimator, depth: int = 5) -> list[str]:
    """What the encoders inside a model do with a level that they do not know."""
    how = getattr(model, "handle_unknown", None)
    found = []
    if how is not None and hasattr(model, "categories_"):
        said = {"error": "refused", "ignore": "answered as no level", "infrequent_if_exist": "answered as a rare level"}
        said |= {
            "use_encoded_value": f"answered as {getattr(model, 'unknown_value', None)}",
            "warn": "answered as no level",
        }
        found.append(f"{type(model).__name__}: {said.get(str(how), str(how))}")
    if type(model).__name__.startswith("HistGradientBoosting") and getattr(model, "is_categorical_", None) is not None:
        found.append("answered like a missing value")
    if depth:
        parts = [step for _, step in getattr(model, "steps", None) or ()]
        parts += [part[1] for part in getattr(model, "transformers_", None) or ()]
        parts += [getattr(model, name) for name in ("estimator_", "best_estimator_") if hasattr(model, name)]
        for part in parts:
            found += _unseen(part, depth - 1)
    return found
