"""Decision trees for rows with features left out."""

from __future__ import annotations

import attrs
import numpy as np

from mex.types import Array, Estimator, FloatArray


@attrs.frozen
class StoppingTree:
    """A fitted scikit-learn tree in which a path stops at the first branch on a feature that the row leaves out (NaN).

    The answer is that of the node where it stops: BigML's "last prediction", which Tramèr et al. 2016 exploit (Section
    4.2, the top-down approach). (scikit-learn itself goes on to the larger child.) Complete rows are answered as by
    the tree.

    >>> from sklearn.tree import DecisionTreeClassifier
    >>> tree = StoppingTree(DecisionTreeClassifier(random_state=0).fit([[0, 0], [0, 1], [1, 0]], ["a", "b", "b"]))
    >>> X = np.array([[np.nan, np.nan], [np.nan, 0], [0, 0]])
    >>> tree.apply(X), tree.predict(X)
    (array([0, 1, 2]), array(['b', 'a', 'a'], dtype='<U1'))
    """

    tree: Estimator = attrs.field(repr=False)

    @property
    def tree_(self) -> Estimator:
        """The nodes."""
        return self.tree.tree_

    @property
    def classes_(self) -> Array:
        """The labels of a classifier; a regressor has none."""
        return np.asarray(self.tree.classes_)

    def apply(self, X: FloatArray) -> Array:
        """The node where each row's path stops, shape (n,)."""
        nodes, rows = self.tree.tree_, np.arange(len(X))
        at = np.zeros(len(X), dtype=np.intp)
        X = np.asarray(X, dtype=np.float32)  # as scikit-learn compares
        while len(rows):
            here = at[rows]
            value = X[rows, nodes.feature[here]]
            on = (nodes.children_left[here] >= 0) & ~np.isnan(value)
            rows, here, value = rows[on], here[on], value[on]
            left = value <= nodes.threshold[here]
            at[rows] = np.where(left, nodes.children_left[here], nodes.children_right[here])
        return at

    def predict(self, X: FloatArray) -> Array:
        """The label or value of each row's node, shape (n,)."""
        values = self._values(X)
        return np.asarray(self.classes_[values.argmax(axis=1)] if hasattr(self, "classes_") else values[:, 0])

    def predict_proba(self, X: FloatArray) -> FloatArray:
        """The shares of the classes among the training rows of each row's node, shape (n, number of classes)."""
        values = self._values(X)
        return np.asarray(values / values.sum(axis=1, keepdims=True))

    def _values(self, X: FloatArray) -> FloatArray:
        return np.asarray(self.tree.tree_.value[self.apply(X), 0])
