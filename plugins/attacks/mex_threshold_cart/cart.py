"""CART over the indicators of known thresholds, as a tree over the features."""

from __future__ import annotations

import numpy as np
from sklearn.tree import DecisionTreeClassifier

from mex.thresholds import Thresholds
from mex.tree_hypothesis import Branches, threshold_between
from mex.types import Array, BoolArray, Estimator, FloatArray


def mixed_cells(Z: BoolArray, y: Array) -> list[Array]:
    """The rows of each cell, alike in all indicators, that have more than one label.

    >>> mixed_cells(np.array([[True], [False], [True], [False]]), np.array([0, 1, 1, 1]))
    [array([0, 2])]
    """
    packed = np.ascontiguousarray(np.packbits(Z, axis=1) if Z.shape[1] else np.zeros((len(Z), 1), dtype=np.uint8))
    _, cell = np.unique(packed.view([("", packed.dtype)] * packed.shape[1]).ravel(), return_inverse=True)
    k = int(y.max(initial=0)) + 1
    labels = np.zeros((len(y), k), dtype=bool)
    labels[cell, y] = True
    order = np.argsort(cell, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(cell[order])) + 1)
    return [part for part in parts if labels[cell[part[0]]].sum() > 1]


def cart(known: Thresholds, X: FloatArray, y: Array, weight: FloatArray, least: int, classes: Array) -> Estimator:
    """The tree that CART grows on the indicators of ``known``, ``least`` rows in a leaf; ``y`` holds indices."""
    Z = known.indicators(X) if len(known) else np.zeros((len(X), 1), dtype=bool)
    fitted = DecisionTreeClassifier(min_samples_leaf=least, random_state=0).fit(Z, y, sample_weight=weight)
    tree, branches, answers = fitted.tree_, Branches(), {}
    waiting = [(0, 0)]
    while waiting:
        node, ours = waiting.pop()
        k = tree.feature[node]
        if k < 0:
            answers[ours] = classes[fitted.classes_[tree.value[node, 0].argmax()]]
            continue
        threshold = threshold_between(float(known.below[k]), float(known.above[k]))
        left, right = branches.split(ours, int(known.column[k]), threshold)
        waiting += [(tree.children_left[node], left), (tree.children_right[node], right)]
    return branches.fitted(answers, X.shape[1], classes=classes)
