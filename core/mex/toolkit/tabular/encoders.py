"""The columns and categories that fitted models know: read off encoders, column transformers and boosted models."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from mex.toolkit.tabular.reading import is_missing
from mex.types import Estimator

Name: TypeAlias = str | int
Levels: TypeAlias = list[Any] | None
"""The levels of a category that a model knows, a missing value as None; None if it does not tell them."""

PLACEHOLDER = re.compile(r"(Column_|f)?\d+")
"""What LightGBM, XGBoost and CatBoost call the columns of an array."""

INSIDE = ("best_estimator_", "estimator_", "regressor_", "estimator", "estimators_", "calibrated_classifiers_")
"""Where models keep the models that get their rows as they come."""


def names_of(model: Estimator) -> list[Name] | None:
    """The columns that a fitted model takes, in its order, or None if it does not tell their names."""
    for attribute in ("feature_names_in_", "feature_name_", "feature_names_"):
        found = getattr(model, attribute, None)
        if found is not None and len(found):
            names = [str(name) for name in found]
            return None if all(map(PLACEHOLDER.fullmatch, names)) else list(names)
    return next((names for names in map(names_of, _inside(model)) if names is not None), None)


def levels_of(model: Estimator, names: Sequence[Name]) -> dict[Name, Levels]:
    """The columns ``names`` of a fitted model that it takes for categories, with the levels that it knows.

    Reads the encoders of scikit-learn wherever they stand in pipelines, column transformers and models around models,
    and the native categories of HistGradientBoosting, LightGBM, XGBoost and CatBoost.
    """
    found = dict[Name, Levels]()
    for name, levels in _levels(model, list(names)):
        before = found.get(name) or []
        new = [None if is_missing(level) else level for level in levels or ()]
        found[name] = before + [level for level in new if level not in before] or None
    return found


def texts_of(model: Estimator, names: Sequence[Name]) -> dict[Name, str]:
    """The columns ``names`` of a fitted model that it takes apart as texts, with the class that does it."""
    return dict(_texts(model, list(names)))


def _texts(model: Estimator, names: list[Name]) -> Iterator[tuple[Name, str]]:
    steps = [step for _, step in getattr(model, "steps", ())]
    if reader := reader_of_texts(model):
        yield from ((name, reader) for name in names)
    elif steps:
        yield from _texts(steps[0], names)
    for _, transformer, columns in getattr(model, "transformers_", ()):
        yield from _texts(transformer, _selected(columns, names))
    for _, transformer in getattr(model, "transformer_list", ()):
        yield from _texts(transformer, names)
    for inner in _inside(model):
        yield from _texts(inner, names)


def reader_of_texts(model: Estimator) -> str:
    """The class that takes texts apart into words, of a model that takes nothing but one text a row; "" of others."""
    if hasattr(model, "steps"):
        return reader_of_texts(model.steps[0][1]) if model.steps else ""
    return type(model).__name__ if callable(getattr(model, "build_analyzer", None)) else ""


def _levels(model: Estimator, names: list[Name]) -> Iterator[tuple[Name, Levels]]:
    if getattr(model, "n_features_in_", len(names)) != len(names):
        return
    if hasattr(model, "steps"):
        yield from _through([step for _, step in model.steps], names)
    for _, transformer, columns in getattr(model, "transformers_", ()):
        yield from _levels(transformer, _selected(columns, names))
    for _, transformer in getattr(model, "transformer_list", ()):
        yield from _levels(transformer, names)
    if hasattr(model, "categories_"):
        yield from ((name, levels.tolist()) for name, levels in zip(names, model.categories_, strict=True))
    yield from _native(model, names)
    for inner in _inside(model):
        yield from _levels(inner, names)


def _inside(model: Estimator) -> list[Estimator]:
    """The models inside a model that get its rows as they come."""
    kept = [getattr(model, attribute, None) for attribute in (*INSIDE, "_preprocessor")]
    each = [
        inner
        for k in kept
        for inner in (np.ravel(np.array(k, dtype=object)) if isinstance(k, list | np.ndarray) else [k])
    ]
    return [inner for inner in each if inner is not None and not isinstance(inner, str) and not hasattr(inner, "tree_")]


def _through(steps: list[Any], names: list[Name]) -> Iterator[tuple[Name, Levels]]:
    """What the steps of a pipeline tell, as long as the columns can be followed."""
    current: list[Name] | None = names
    for step in steps:
        own = getattr(step, "feature_names_in_", None)
        if own is not None and set(own) <= set(names):
            current = list(own)
        if current is None:
            return
        if step is None or isinstance(step, str):
            continue
        yield from _levels(step, current)
        current = _passed(step, current)


def _passed(step: Any, names: list[Name]) -> list[Name] | None:
    """The columns that a step lets through under their names, or None if it makes others."""
    made: list[Name] | None = None
    with contextlib.suppress(Exception):  # it does not tell
        given = [name if isinstance(name, str) else f"x{name}" for name in names]
        places = dict(zip(given, names, strict=True))
        made = [places[name] for name in step.get_feature_names_out(np.array(given, dtype=object))]
    return made


def _selected(columns: Any, names: list[Name]) -> list[Name]:
    """The columns that a column transformer gives to one of its transformers."""
    if isinstance(columns, slice):
        return names[columns]
    chosen = np.atleast_1d(np.asarray(columns))
    if chosen.dtype.kind == "b":
        return [name for name, there in zip(names, chosen, strict=True) if there]
    return [names[i] for i in chosen.tolist()] if chosen.dtype.kind in "iu" else [str(name) for name in chosen]


def _native(model: Estimator, names: list[Name]) -> Iterator[tuple[Name, Levels]]:
    """The categories of a boosted model that takes them without an encoder, and those that an adapter tells."""
    yield from getattr(model, "levels_", {}).items()
    if hasattr(model, "get_cat_feature_indices"):  # CatBoost keeps hashes of the levels only
        yield from ((names[i], None) for i in model.get_cat_feature_indices())
    if hasattr(model, "get_booster"):  # XGBoost
        booster = model.get_booster()
        types = booster.feature_types or []
        told = booster.get_categories(export_to_arrow=True).to_arrow() if hasattr(booster, "get_categories") else []
        known = [None if levels is None else values_of(levels) for _, levels in told] or [None] * len(types)
        yield from ((n, levels) for n, kind, levels in zip(names, types, known, strict=False) if kind == "c")
    booster = model if hasattr(model, "pandas_categorical") else getattr(model, "booster_", None)
    if booster is not None:  # LightGBM
        places = booster.params.get("categorical_column") or booster.params.get("categorical_feature") or []
        known = booster.pandas_categorical or [None] * len(places)
        yield from ((names[i], levels) for i, levels in zip(places, known, strict=False))


def values_of(levels: pa.Array) -> list[Any]:
    """The levels that a model of XGBoost tells; texts may be cut in the middle of a character."""
    if not pa.types.is_string(levels.type) and not pa.types.is_large_string(levels.type):
        return list(levels.to_pylist())
    return [text.decode(errors="replace") for text in levels.cast(pa.large_binary()).to_pylist()]
