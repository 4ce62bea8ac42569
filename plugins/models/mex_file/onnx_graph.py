"""What the graph of an ONNX file tells: the classes, the levels of categories, the class of the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mex import Family

AFFINE = {"Cast", "Scaler", "Concat", "Reshape", "Identity", "OneHotEncoder", "Imputer", "FeatureVectorizer"}
AFFINE |= {"Sub", "Add", "Mul", "Div", "Flatten", "Unsqueeze", "Squeeze", "Gather", "ArrayFeatureExtractor"}
"""Operators that leave each column an affine function of itself, and of a category of its one-hot features."""
PASSED = {"Cast", "Identity", "Gather", "Reshape", "ArrayFeatureExtractor"}
"""Operators that may stand between an input of one column and its encoder."""
AFTER = {"Cast", "ZipMap", "Normalizer", "Identity", "ArgMax", "ArrayFeatureExtractor", "Reshape", "Softmax", "Sigmoid"}
AFTER |= {"Abs", "ReduceSum", "Div", "Add", "Flatten", "Squeeze"}
"""Operators behind a model that make labels and probabilities of its scores."""
CORES = ("LinearClassifier", "LinearRegressor", "TreeEnsembleClassifier", "TreeEnsembleRegressor", "MatMul", "Gemm")


def attributes(node: Any) -> dict[str, Any]:
    """The attributes of a node as Python values."""
    found = {}
    for each in node.attribute:
        texts = [text.decode() for text in each.strings]
        found[each.name] = texts or list(each.ints) or list(each.floats) or each.s.decode(errors="replace") or each.i
    return found


def classes_of(graph: Any) -> list[Any] | None:
    """The classes in the order of the probabilities, or None if the graph does not tell."""
    for node in graph.node:
        told = attributes(node)
        for name in ("classlabels_int64s", "classlabels_ints", "classlabels_strings"):
            if isinstance(told.get(name), list):
                return list(told[name])
    kept = {each.name: each for each in graph.initializer}
    for node in graph.node:  # labels looked up by the place of the largest score
        if node.op_type == "ArrayFeatureExtractor" and node.input[0] in kept:
            tensor = kept[node.input[0]]
            if tensor.string_data:
                return [text.decode() for text in tensor.string_data]
            if tensor.int64_data or tensor.int32_data or tensor.raw_data:
                ints = list(tensor.int64_data) or list(tensor.int32_data)
                return ints or np.frombuffer(tensor.raw_data, dtype=np.int64).tolist()
    return None


def levels_of(graph: Any, inputs: Sequence[str]) -> dict[str | int, list[Any] | None]:
    """The levels of the inputs that go into an encoder of categories as they are."""
    found: dict[str | int, list[Any] | None] = {}
    passed = {node.output[0]: node.input[0] for node in graph.node if node.op_type in PASSED}
    for node in graph.node:
        name = node.input[0] if node.input else ""
        while name in passed:
            name = passed[name]
        if node.op_type == "OneHotEncoder" and name in inputs:
            told = attributes(node)
            found[name] = list(told.get("cats_strings") or told.get("cats_int64s") or []) or None
    return found


def family_of(graph: Any, k: int) -> Family:
    """The public class of a graph of ``k`` classes (0 for values), if it is a model that attacks know."""
    cores = [i for i, node in enumerate(graph.node) if node.op_type in CORES]
    if len(cores) != 1:
        return Family("onnx", reason=f"its graph has {len(cores)} models that attacks know, and not one")
    place = cores[0]
    core, told = graph.node[place], attributes(graph.node[place])
    for nodes, fine in ((graph.node[:place], AFFINE), (graph.node[place + 1 :], AFTER)):
        for node in nodes:
            if node.op_type not in fine:
                return Family("onnx", reason=f"its operator {node.op_type} is none of those of such a model")
    if core.op_type.startswith("TreeEnsemble"):
        trees = len(set(told["nodes_treeids"]))
        added = "base_values" in told or told.get("post_transform", "NONE") != "NONE"
        kind = "tree" if trees == 1 else "boosted" if added else "forest"
        return Family(kind, {"max_depth": _depth(told)})
    transform = {node.op_type for node in graph.node} | {str(told.get("post_transform", "")).title()}
    link = "identity" if k == 0 else "margin"
    if k and ("Softmax" in transform or (k == 2 and transform & {"Sigmoid", "Logistic"})):
        link = "logit"
    elif k and transform & {"Sigmoid", "Logistic"}:
        link = "bent"
    return Family("linear", {"intercept": True, "link": link})


def _depth(told: Mapping[str, Any]) -> int:
    """The depth of the deepest tree."""
    ids = list(zip(told["nodes_treeids"], told["nodes_nodeids"], strict=True))
    children = zip(told["nodes_truenodeids"], told["nodes_falsenodeids"], told["nodes_modes"], strict=True)
    depth = dict.fromkeys(ids, 0)
    for (tree, node), (true, false, mode) in sorted(zip(ids, children, strict=True), key=lambda each: each[0]):
        if mode != "LEAF":  # a child has a greater number than its parent
            for child in (true, false):
                depth[tree, child] = depth[tree, node] + 1
    return max(depth.values())


def describe(graph: Any) -> dict[str, str]:
    """How the graph compares with thresholds, and what it does with levels that it does not know."""
    found = {}
    signs = {"BRANCH_LEQ": "<=", "BRANCH_LT": "<", "BRANCH_GTE": ">=", "BRANCH_GT": ">"}
    for node in graph.node:
        told = attributes(node)
        if "nodes_modes" in told:
            modes = set(told["nodes_modes"]) - {"LEAF"}
            found["comparison"] = "left where x " + " or ".join(sorted(signs.get(m, m) for m in modes)) + " threshold"
            found["missing values"] = "each split sends NaN as the file has it"
        if node.op_type == "OneHotEncoder":
            answered = "answered, as no level" if told.get("zeros", 1) else "refused by onnxruntime"
            found["unseen levels"] = f"{answered}; refused here"
    return found
