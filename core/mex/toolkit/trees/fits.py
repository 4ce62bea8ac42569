"""Fits over known thresholds: a small tree and a random forest; and cells of mixed labels."""

from __future__ import annotations

import numpy as np
from scipy.stats import binom
from sklearn.ensemble import RandomForestClassifier

from mex.toolkit.estimators import random_state
from mex.toolkit.trees.builder import threshold_between
from mex.toolkit.trees.growth import grow
from mex.toolkit.trees.thresholds import Thresholds
from mex.types import Array, BoolArray, Estimator, FloatArray

NOISE_LEVEL = 0.01
"""A cell counts as mixed if noise alone would give it as many other labels with at most this probability."""
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


def forest(
    thresholds: Thresholds, X: FloatArray, y: Array, *, trees: int, min_leaf: int, rng: np.random.Generator
) -> RandomForestClassifier:
    """A random forest over the features and the thresholds; it takes rows as :func:`with_indicators` gives them."""
    fitted = RandomForestClassifier(
        trees, max_features=MAX_FEATURES, min_samples_leaf=min_leaf, random_state=random_state(rng)
    )
    return fitted.fit(with_indicators(thresholds, X), y)


def over_features(voters: RandomForestClassifier, thresholds: Thresholds, classes: Array) -> RandomForestClassifier:
    """What :func:`forest` makes, as a forest over the features alone, which predicts labels among ``classes``.

    A split by an indicator becomes one by its feature, at the middle of the threshold.

    >>> from mex import Domain
    >>> thresholds = Thresholds(Domain([0.0], [1.0]))
    >>> thresholds.add(0, 0.25, 0.375)
    >>> X, y, rng = np.array([[0.1], [0.2], [0.7]] * 9), np.array([0, 0, 1] * 9), np.random.default_rng(0)
    >>> voters = forest(thresholds, X, y, trees=9, min_leaf=1, rng=rng)
    >>> over_features(voters, thresholds, np.array(["a", "b"])).predict([[0.1], [0.9]]).tolist()
    ['a', 'b']
    """
    d = len(thresholds.box.lower)
    middles = np.array([threshold_between(*pair) for pair in zip(thresholds.below, thresholds.above, strict=True)])
    for voter in voters.estimators_:
        tree = voter.tree_
        exact = tree.feature >= d
        known = tree.feature[exact] - d
        tree.threshold[exact] = middles[known]
        tree.feature[exact] = thresholds.column[known]
        _, sizes, state = tree.__reduce__()
        voter.tree_ = type(tree)(d, *sizes[1:])
        voter.tree_.__setstate__(state)
        voter.n_features_in_ = d
    voters.n_features_in_ = d
    voters.classes_ = classes[voters.classes_]
    return voters


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


def mixed_pairs(thresholds: Thresholds, X: FloatArray, y: Array, rho: float) -> list[tuple[int, int]]:
    """Two rows, by index, of each mixed cell: of different labels, and close.

    A cell whose other labels may be wrong, each with the probability ``rho``, is none.
    """
    pairs = []
    for cell in mixed_cells(thresholds.indicators(X), y):
        labels = y[cell]
        others = cell[labels != np.bincount(labels).argmax()]
        if rho and binom.sf(len(others) - 1, len(cell), rho) > NOISE_LEVEL:
            continue
        majority = cell[labels == np.bincount(labels).argmax()]
        distance = (X[majority, None] != X[others[:1]]).sum(axis=2).ravel()
        pairs.append((int(majority[distance.argmin()]), int(others[0])))
    return pairs
