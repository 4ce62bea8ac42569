"""Trees over known thresholds: a small one, CART, and a random forest; and cells of mixed labels."""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from mex.toolkit.estimators import random_state
from mex.toolkit.trees.builder import TreeBuilder, threshold_between
from mex.toolkit.trees.growth import grow
from mex.toolkit.trees.thresholds import Thresholds
from mex.types import Array, BoolArray, Estimator, FloatArray

MAX_FEATURES = 0.3
"""The share of the columns that a forest considers for a split."""


def smallest(thresholds: Thresholds, X: FloatArray, y: Array, classes: Array, *, look: int, min_leaf: int) -> Estimator:
    """The tree that :func:`.grow` makes over ``thresholds``.

    Args:
        thresholds: the thresholds known.
        X, y: rows, shape (n, d), and the indices of their labels in ``classes``, shape (n,).
        classes: all labels.
        look: how many thresholds are tried out for each split.
        min_leaf: the fewest rows in a leaf.
    """
    growth = grow(thresholds, X, y, look=look, least=min_leaf)
    answers = {leaf.node: classes[leaf.label] for leaf in growth.leaves}
    return growth.tree.build(answers, X.shape[1], classes=classes)


def cart(thresholds: Thresholds, X: FloatArray, y: Array, classes: Array, *, min_leaf: int) -> Estimator:
    """CART over ``thresholds`` and over the features, whose thresholds lie midway between two rows.

    Of a feature, a known threshold that splits the rows of the node alike is taken instead. The arguments are those of
    :func:`smallest`.

    >>> from mex import Domain
    >>> thresholds = Thresholds(Domain([0.0], [1.0]))
    >>> thresholds.add(0, 0.25, 0.375)
    >>> X, y = np.array([[0.1], [0.2], [0.7]]), np.array([0, 0, 1])
    >>> tree = cart(thresholds, X, y, np.array(["a", "b"]), min_leaf=1)
    >>> float(tree.tree_.threshold[0]), tree.predict([[0.0], [1.0]]).tolist()
    (0.3125, ['a', 'b'])
    """
    d, Z = X.shape[1], with_indicators(thresholds, X)
    fitted = DecisionTreeClassifier(min_samples_leaf=min_leaf, random_state=0).fit(Z, y)
    tree, builder, answers = fitted.tree_, TreeBuilder(), {}
    waiting = [(0, 0, np.arange(len(X)))]
    while waiting:
        node, ours, rows = waiting.pop()
        column, threshold = int(tree.feature[node]), float(tree.threshold[node])
        if column < 0:
            answers[ours] = classes[fitted.classes_[tree.value[node, 0].argmax()]]
            continue
        right = Z[rows, column] > threshold
        if column >= d:
            exact = column - d
            column = int(thresholds.column[exact])
        else:
            low, high = X[rows[~right], column].max(), X[rows[right], column].min()
            alike = np.flatnonzero(
                (thresholds.column == column) & (low <= thresholds.below) & (thresholds.above <= high)
            )
            exact = int(alike[0]) if len(alike) else -1
        if exact >= 0:
            threshold = threshold_between(float(thresholds.below[exact]), float(thresholds.above[exact]))
        pair = builder.split(ours, column, threshold)
        waiting.append((tree.children_left[node], pair[0], rows[~right]))
        waiting.append((tree.children_right[node], pair[1], rows[right]))
    return builder.build(answers, d, classes=classes)


def forest(
    thresholds: Thresholds, X: FloatArray, y: Array, *, trees: int, min_leaf: int, rng: np.random.Generator
) -> RandomForestClassifier:
    """A random forest over the features and the thresholds; it takes rows as :func:`with_indicators` gives them."""
    fitted = RandomForestClassifier(
        trees, max_features=MAX_FEATURES, min_samples_leaf=min_leaf, random_state=random_state(rng)
    )
    return fitted.fit(with_indicators(thresholds, X), y)


def with_indicators(thresholds: Thresholds, X: FloatArray) -> FloatArray:
    """The features of rows, and after them on which side of each threshold the row is, shape (n, d + thresholds)."""
    return np.hstack([X, thresholds.indicators(X)])


def mixed_cells(Z: BoolArray, y: Array) -> list[Array]:
    """The indices of the rows of each cell with more than one label; a cell is the rows that are alike in all of ``Z``.

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
