"""Folders of YDF (Yggdrasil Decision Forests)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mex import Family, UsageError
from mex.toolkit.saved import Reading, Wishes, counted, library, telling
from mex.types import Array
from mex_file.adapter import Adapter

UNKNOWN = "<OOD>"
"""The level that stands for all that are rare or were never seen."""


def read(path: Path, wishes: Wishes) -> Reading:
    """Read a folder.

    Raises:
        UsageError: if it is no model of YDF, or one of another task than classification and regression.
    """
    ydf = library("ydf", path, "ydf")
    with telling(path, "a model of YDF"):
        native = ydf.load_model(str(path))
    task = native.task().name
    if task not in ("CLASSIFICATION", "REGRESSION"):
        raise UsageError(f"{path} is a model for {task.lower()}; a target classifies or gives values")
    classifies = task == "CLASSIFICATION"
    names = list(native.input_feature_names())
    columns = {column.name: column for column in native.data_spec().columns}
    levels = {name: _levels(columns[name]) for name in names if columns[name].HasField("categorical")}
    truths = [name for name in names if columns[name].HasField("boolean")]
    own = list(native.label_classes()) if classifies else None
    label = native.label()

    def table(X: Any) -> dict[str, Array]:
        found = {}
        for name in names:
            kind = str if name in levels else bool if name in truths else float
            found[name] = np.array([kind(value) for value in X[name]])
        return found

    def leaves(X: Any) -> Any:  # asks for a column of labels too, whatever they are
        dummy = np.array([own[0] if own else 0.0] * len(X[names[0]]))
        return native.predict_leaves({**table(X), label: dummy})

    trees = native.num_trees()
    depth = max((_depth(native.get_tree(i).root) for i in range(trees)), default=0)
    model = Adapter(
        type(native).__name__,
        names=names,
        levels=levels,
        scores=(lambda X: native.predict(table(X))) if classifies else None,
        values=lambda X: native.predict_class(table(X)) if classifies else native.predict(table(X)),
        leaves=leaves,
        own=own,
        classes=wishes.classes,
    )
    kind = "tree" if trees == 1 else "boosted" if "GradientBoosted" in type(native).__name__ else "forest"
    return Reading(
        model=model,
        family=Family(kind, {"max_depth": depth}),
        frame="columns",
        precision="float32",
        facts={
            "class": f"{type(native).__name__} of YDF, {counted(trees, 'tree')}, depth {depth}",
            "inputs": "cast to float32",
            "outputs": "float32",
            "comparison": "right where x >= threshold",
            "leaf ids": "0, 1, … in each tree",
            "missing values": "as training filled them in",
            "unseen levels": "answered alike, and like levels of few rows; refused here" if levels else "no categories",
        },
    )


def _levels(column: Any) -> list[Any]:
    items = column.categorical.items
    return [name for name in sorted(items, key=lambda name: items[name].index) if name != UNKNOWN]


def _depth(node: Any) -> int:
    if not hasattr(node, "pos_child"):
        return 0
    return 1 + max(_depth(node.pos_child), _depth(node.neg_child))
