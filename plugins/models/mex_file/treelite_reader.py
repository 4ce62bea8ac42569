"""Files of Treelite, through its own predictor GTIL."""

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
        UsageError: if it is no model of Treelite.
    """
    treelite = library("treelite", path, "treelite")
    gtil = library("treelite.gtil", path, "treelite")
    with telling(path, "a model of Treelite"):
        native = treelite.Model.deserialize(str(path))
        told = json.loads(native.dump_as_json())
    classifies = told["task_type"] in ("kBinaryClf", "kMultiClf")
    precision = str(told["threshold_type"])
    trees = told["trees"]
    depth = max(_depth({node["node_id"]: node for node in tree["nodes"]}, 0) for tree in trees)

    def rows(X: Any) -> Any:
        return np.ascontiguousarray(X, dtype=precision)

    def scores(X: Any) -> Any:
        return np.asarray(gtil.predict(native, rows(X), nthread=1)).reshape(len(X), -1)

    model = Adapter(
        "Treelite model",
        width=told["num_feature"],
        own=range(max(told["num_class"][0], 2)) if classifies else None,
        classes=wishes.classes,
        leaves=lambda X: np.asarray(gtil.predict_leaf(native, rows(X), nthread=1)),
        scores=scores if classifies else None,
        values=None if classifies else scores,
    )
    signs = {node["comparison_op"] for tree in trees for node in tree["nodes"] if "comparison_op" in node}
    kind = "tree" if len(trees) == 1 else "forest" if told["average_tree_output"] else "boosted"
    return Reading(
        model=model,
        family=Family(kind, {"max_depth": depth, "objective": told["postprocessor"], "precision": precision}),
        frame="numpy",
        precision=precision,
        facts={
            "class": f"Treelite, {told['postprocessor']}, {counted(len(trees), 'tree')}, depth {depth}",
            "inputs": f"compared as {precision}; scikit-learn compares as float32",
            "outputs": str(told["leaf_output_type"]),
            "comparison": f"left where x {' or '.join(sorted(signs)) or '?'} threshold",
            "leaf ids": "numbers of nodes, one a tree",
            "missing values": "NaN, sent left or right by each split",
        },
    )


def _depth(nodes: dict[int, Any], place: int) -> int:
    node = nodes[place]
    if "left_child" not in node:
        return 0
    return 1 + max(_depth(nodes, node["left_child"]), _depth(nodes, node["right_child"]))
