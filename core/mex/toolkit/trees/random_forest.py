"""Random forests of scikit-learn, without what it checks of each of their trees."""

from __future__ import annotations

import numpy as np
from sklearn import config_context
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from mex.types import Array, Estimator, FloatArray

SEEDS = np.iinfo(np.int32).max
"""The seeds of trees are below it, as scikit-learn draws them."""


def random_forest(X: FloatArray, y: Array, *, trees: int, seed: int, values: bool = False) -> Estimator:
    """The forest that scikit-learn fits to rows, shape (n, d), and their labels or values, shape (n,), tree by tree.

    Of few rows it takes half the time: what is checked of a tree, and copied for it, takes longer than the tree. Rows
    with gaps, or beyond float32, are left to scikit-learn, which deals with the former and refuses the latter.

    >>> X, rng = np.arange(20.0)[:, None], np.random.default_rng(0)
    >>> random_forest(X, X[:, 0] > 9, trees=5, seed=0).predict([[3.0], [15.0]]).tolist()
    [False, True]
    """
    forest = (RandomForestRegressor if values else RandomForestClassifier)(trees, random_state=seed)
    with np.errstate(over="ignore"):
        rows = np.asarray(X, dtype=np.float32)
    if not np.isfinite(rows).all():
        return forest.fit(X, y)
    told: Array = y
    if not values:
        forest.classes_, told = np.unique(y, return_inverse=True)
        forest.n_classes_ = len(forest.classes_)
    n, told = len(rows), np.asarray(told, dtype=np.float64).reshape(-1, 1)
    rng, forest.estimators_ = np.random.RandomState(seed), []
    with config_context(skip_parameter_validation=True, assume_finite=True):
        for _ in range(trees):
            own = rng.randint(SEEDS)
            weight = np.bincount(np.random.RandomState(own).randint(0, n, n), minlength=n).astype(np.float64)
            kind = DecisionTreeRegressor if values else DecisionTreeClassifier
            tree = kind(max_features=forest.max_features, random_state=own)
            forest.estimators_.append(tree.fit(rows, told, sample_weight=weight, check_input=False))
    forest.n_outputs_, forest.n_features_in_ = 1, rows.shape[1]
    return forest
