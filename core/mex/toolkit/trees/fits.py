"""Fits over known thresholds: a small tree and a random forest; and cells of mixed labels."""

from __future__ import annotations

import numpy as np
from scipy.stats import binom
from sklearn import config_context
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

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


class Forest:
    """A random forest over the features and the thresholds: its votes, and the forest over the features alone.

    What scikit-learn checks of each tree of its forests takes several times as long as a tree of few rows. The squared
    error of one-hot labels is the Gini impurity, so that these are the same trees.

    >>> from mex import Domain
    >>> thresholds = Thresholds(Domain([0.0], [1.0]))
    >>> thresholds.add(0, 0.25, 0.375)
    >>> X, y, rng = np.array([[0.1], [0.2], [0.7]] * 9), np.array([0, 0, 1] * 9), np.random.default_rng(0)
    >>> forest = Forest(thresholds, X, y, np.array(["a", "b"]), trees=9, min_leaf=1, rng=rng)
    >>> forest.predict(np.array([[0.1], [0.9]])).tolist()
    ['a', 'b']
    >>> forest.over_features().predict([[0.1], [0.9]]).tolist()
    ['a', 'b']
    """

    def __init__(
        self,
        thresholds: Thresholds,
        X: FloatArray,
        y: Array,
        classes: Array,
        *,
        trees: int,
        min_leaf: int,
        rng: np.random.Generator,
    ) -> None:
        """Fit ``trees`` trees to rows, shape (n, d), and the indices of their labels in ``classes``, shape (n,)."""
        self._thresholds = thresholds
        self._n_known = len(thresholds)
        self._classes = classes
        Z, labels = self._with_indicators(X), np.eye(len(classes))[y]
        self._trees = []
        with config_context(skip_parameter_validation=True, assume_finite=True):
            for seed in rng.integers(2**31, size=trees):
                weight = np.bincount(rng.integers(len(y), size=len(y)), minlength=len(y)).astype(np.float64)
                tree = DecisionTreeRegressor(
                    max_features=MAX_FEATURES, min_samples_leaf=min_leaf, random_state=int(seed)
                )
                self._trees.append(tree.fit(Z, labels, sample_weight=weight, check_input=False).tree_)

    def votes(self, X: FloatArray) -> FloatArray:
        """The votes for each class, shares, shape (n, number of classes)."""
        Z = self._with_indicators(X)
        return np.asarray(sum(tree.predict(Z) for tree in self._trees).reshape(len(X), -1) / len(self._trees))

    def predict(self, X: FloatArray) -> Array:
        """The labels of most votes, shape (n,)."""
        return np.asarray(self._classes[self.votes(X).argmax(axis=1)])

    def _with_indicators(self, X: FloatArray) -> FloatArray:
        """The features of rows, and after them on which side of each threshold the row is."""
        return np.hstack([X, self._thresholds.indicators(X)[:, : self._n_known]]).astype(np.float32)

    def over_features(self) -> RandomForestClassifier:
        """The same as a forest of scikit-learn's, which has splits by the middle of a threshold for its indicators."""
        known, d, k = self._thresholds, len(self._thresholds.box.lower), len(self._classes)
        middles = np.array([threshold_between(*pair) for pair in zip(known.below, known.above, strict=True)])
        forest = RandomForestClassifier(len(self._trees), max_features=MAX_FEATURES)
        forest.estimators_ = []
        for tree in self._trees:
            state = tree.__getstate__()
            nodes = state["nodes"].copy()
            indicator = nodes["feature"] >= d
            which = nodes["feature"][indicator] - d
            nodes["threshold"][indicator], nodes["feature"][indicator] = middles[which], known.column[which]
            voter = DecisionTreeClassifier()
            voter.tree_ = type(tree)(d, np.array([k], dtype=np.intp), 1)
            values = np.ascontiguousarray(state["values"].reshape(len(nodes), 1, k))
            voter.tree_.__setstate__({**state, "nodes": nodes, "values": values})
            voter.classes_, voter.n_classes_, voter.n_outputs_ = np.arange(k), np.int64(k), 1
            voter.n_features_in_ = voter.max_features_ = d
            forest.estimators_.append(voter)
        forest.classes_, forest.n_classes_, forest.n_outputs_ = self._classes, k, 1
        forest.n_features_in_ = d
        return forest


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
