"""CatBoost's own files, cbm and JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from mex import Family
from mex.toolkit.saved import Reading, Wishes, counted, library, telling
from mex_file.adapter import Adapter


def read(path: Path, wishes: Wishes) -> Reading:
    """Read a file.

    Raises:
        UsageError: if it is no model of CatBoost.
    """
    catboost = library("catboost", path, "catboost")
    form = "json" if path.suffix.lower() == ".json" else "cbm"
    with telling(path, "a model of CatBoost"):
        metadata = dict(catboost.CatBoost().load_model(str(path), format=form).get_metadata())
        classifies = "class_params" in metadata
        kind = catboost.CatBoostClassifier if classifies else catboost.CatBoostRegressor
        native = kind().load_model(str(path), format=form)
    names = native.feature_names_
    named = any(name != str(i) for i, name in enumerate(names))
    keys: list[str | int] = list(names) if named else list(range(len(names)))
    categories = {keys[i]: None for i in native.get_cat_feature_indices()}
    loss = str(json.loads(metadata.get("params", "{}")).get("loss_function", {}).get("type", ""))
    depth = int(np.max(native.get_tree_leaf_counts(), initial=1)).bit_length() - 1

    def rows(X: Any) -> Any:
        return X if categories else np.asarray(X, dtype=np.float32)

    model = Adapter(
        type(native).__name__,
        width=len(names),
        names=names if named else None,
        levels=categories,
        own=native.classes_ if classifies else None,
        classes=wishes.classes,
        values=lambda X: native.predict(rows(X)),
        scores=(lambda X: native.predict_proba(rows(X))) if classifies else None,
        leaves=lambda X: native.calc_leaf_indexes(rows(X)),
    )
    trees = int(native.tree_count_)
    return Reading(
        model=model,
        family=Family("tree" if trees == 1 else "boosted", {"objective": loss, "max_depth": depth}),
        frame="pandas" if categories else "numpy",
        precision="float32",
        facts={
            "class": f"{type(native).__name__} of CatBoost, {loss}, {counted(trees, 'tree')}, depth {depth}",
            "inputs": "cast to float32",
            "outputs": "float64",
            "comparison": "right where x > border",
            "leaf ids": "0, 1, … in each tree",
            "missing values": "NaN, less or greater than all numbers as the file has it",
            "unseen levels": "answered alike by CatBoost, whatever they are; refused here"
            if categories
            else "no categories",
            "labels": "the file keeps the decision threshold, if one was set",
        },
    )
