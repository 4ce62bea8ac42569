"""Ways to a tree: the smallest one over the thresholds found; CART, which may guess others; a forest to make one of."""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from mex.toolkit.estimators import random_state
from mex.toolkit.trees.branches import Branches, threshold_between
from mex.toolkit.trees.growth import grow
from mex.toolkit.trees.thresholds import Thresholds
from mex.types import Array, BoolArray, Estimator, FloatArray

COLUMNS = 0.3
"""The share of the columns among which a tree of a forest may choose each of its splits."""


def smallest(known: Thresholds, X: FloatArray, y: Array, classes: Array, *, look: int, least: int) -> Estimator:
    """The smallest tree over ``known`` that fits: ``y`` are indices of ``classes``, leaves have ``least`` rows."""
    growth = grow(known, X, y, look=look, least=least)
    answers = {leaf.node: classes[leaf.label] for leaf in growth.leaves}
    return growth.branches.fitted(answers, X.shape[1], classes=classes)


def cart(known: Thresholds, X: FloatArray, y: Array, classes: Array, *, least: int) -> Estimator:
    """CART over ``known`` and over the features, where it guesses a threshold midway between two rows.

    A guess is dropped for a known threshold that splits the rows of its node alike.

    >>> from mex import Domain
    >>> known = Thresholds(Domain([0.0], [1.0]))
    >>> known.add(0, 0.25, 0.375)
    >>> tree = cart(known, np.array([[0.1], [0.2], [0.7]]), np.array([0, 0, 1]), np.array(["a", "b"]), least=1)
    >>> float(tree.tree_.threshold[0]), tree.predict([[0.0], [1.0]]).tolist()
    (0.3125, ['a', 'b'])
    """
    d, Z = X.shape[1], columns(known, X)
    fitted = DecisionTreeClassifier(min_samples_leaf=least, random_state=0).fit(Z, y)
    tree, branches, answers = fitted.tree_, Branches(), {}
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
            column = int(known.column[exact])
        else:
            low, high = X[rows[~right], column].max(), X[rows[right], column].min()
            alike = np.flatnonzero((known.column == column) & (low <= known.below) & (known.above <= high))
            exact = int(alike[0]) if len(alike) else -1
        if exact >= 0:
            threshold = threshold_between(float(known.below[exact]), float(known.above[exact]))
        pair = branches.split(ours, column, threshold)
        waiting.append((tree.children_left[node], pair[0], rows[~right]))
        waiting.append((tree.children_right[node], pair[1], rows[right]))
    return branches.fitted(answers, d, classes=classes)


def forest(
    known: Thresholds, X: FloatArray, y: Array, *, trees: int, least: int, rng: np.random.Generator
) -> RandomForestClassifier:
    """A random forest over the features and over ``known``: for :func:`columns`, not for rows."""
    fitted = RandomForestClassifier(trees, max_features=COLUMNS, min_samples_leaf=least, random_state=random_state(rng))
    return fitted.fit(columns(known, X), y)


def columns(known: Thresholds, X: FloatArray) -> FloatArray:
    """The features, and behind them on which side of each threshold a row is."""
    return np.hstack([X, known.indicators(X)])


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
