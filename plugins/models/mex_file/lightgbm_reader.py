"""LightGBM's own files of text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mex import Family
from mex.toolkit.saved import Reading, Wishes, counted, library, telling
from mex.types import Array
from mex_file.adapter import Adapter

CLASSIFIES = ("binary", "multiclass", "multiclassova")


def read(path: Path, wishes: Wishes) -> Reading:
    """Read a file.

    Raises:
        UsageError: if it is no model of LightGBM.
    """
    lightgbm = library("lightgbm", path, "lightgbm")
    with telling(path, "a model of LightGBM"):
        booster = lightgbm.Booster(model_file=str(path))
        told = booster.dump_model()
    objective = str(told.get("objective", "")).partition(" ")[0]
    names = booster.feature_name()
    named = any(name != f"Column_{i}" for i, name in enumerate(names))
    spelled = {"_".join(column.split()): column for column in wishes.columns}
    keys: list[str] = [spelled.get(name, name) for name in names]  # LightGBM writes no blanks
    levels = _levels(booster, told, list(keys) if named else list(range(len(names))))
    of_pandas = bool(booster.pandas_categorical)

    def predict(X: Any, **how: Any) -> Array:
        if of_pandas:
            X = X.astype({name: _dtype(known) for name, known in levels.items()})
        else:
            X = np.asarray(X, dtype=np.float64)
        return np.asarray(booster.predict(X, validate_features=False, num_threads=1, **how))

    trees = told["tree_info"]
    depth = max(_depth(tree["tree_structure"]) for tree in trees)
    classifies = objective in CLASSIFIES
    model = Adapter(
        "Booster",
        width=len(names),
        names=keys if named else None,
        levels=levels,
        own=range(max(told["num_class"], 2)) if classifies else None,
        classes=wishes.classes,
        leaves=lambda X: predict(X, pred_leaf=True),
        **{"scores" if classifies else "values": predict},
    )
    return Reading(
        model=model,
        family=_family(trees, depth, objective, averaged=bool(told.get("average_output"))),
        frame="pandas" if of_pandas else "numpy",
        facts={
            "class": f"Booster of LightGBM, {objective}, {counted(len(trees), 'tree')}, depth {depth}",
            "inputs": "float64",
            "outputs": "float64",
            "comparison": "left where x <= threshold; a threshold lies halfway between values of training rows",
            "leaf ids": "0, 1, … in each tree",
            "missing values": "NaN; where none was seen in training, it is taken for 0",
            "unseen levels": "answered like NaN by LightGBM; refused here" if levels else "no categories",
        },
    )


def _family(trees: list[Any], depth: int, objective: str, averaged: bool) -> Family:
    public = {"objective": objective, "max_depth": depth, "precision": "float64"}
    if any("leaf_const" in leaf for tree in trees for leaf in _leaves(tree["tree_structure"])):
        return Family("linear trees", public, reason="its leaves hold linear models")
    return Family("tree" if len(trees) == 1 else "forest" if averaged else "boosted", public)


def _depth(node: Any) -> int:
    if "left_child" not in node:
        return 0
    return 1 + max(_depth(node["left_child"]), _depth(node["right_child"]))


def _leaves(node: Any) -> list[Any]:
    return _leaves(node["left_child"]) + _leaves(node["right_child"]) if "left_child" in node else [node]


def _levels(booster: Any, told: Any, keys: list[str | int]) -> dict[str | int, list[Any]]:
    """The levels of each column that is a category: those of pandas, else the numbers that it was trained on."""
    places = booster.params.get("categorical_feature") or []
    if booster.pandas_categorical:
        return {keys[i]: levels for i, levels in zip(places, booster.pandas_categorical, strict=True)}
    names, infos = booster.feature_name(), told.get("feature_infos", {})
    seen = {i: set(infos.get(names[i], {}).get("values", ())) - {-1} for i in places}  # -1 is none that it knows
    return {keys[i]: sorted(levels) for i, levels in seen.items() if levels}


def _dtype(levels: list[Any]) -> Any:
    import pandas as pd

    return pd.CategoricalDtype(levels)
