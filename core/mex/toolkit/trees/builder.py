"""Building scikit-learn trees branch by branch, without a fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np

from mex.knowledge import Knowledge
from mex.toolkit.estimators import constant
from mex.types import Array, Estimator, FloatArray


@attrs.define
class TreeBuilder:
    """A tree under construction. Nodes are numbered in the order of their making, from the root, 0.

    Attributes:
        feature, threshold: of each node, as scikit-learn has them; a leaf has feature -2.
        children: the nodes on the left and on the right of each node, -1 for a leaf.

    >>> tree = TreeBuilder()
    >>> left, right = tree.split(0, feature=2, threshold=2.45)
    >>> found = tree.build({left: "setosa", right: "other"}, n_features=4)
    >>> found.predict([[5.1, 3.5, 1.4, 0.2], [6.2, 2.9, 4.3, 1.3]]), found.tree_.threshold[0]
    (array(['setosa', 'other'], dtype='<U6'), np.float64(2.45))
    """

    feature: list[int] = attrs.field(factory=lambda: [-2])
    threshold: list[float] = attrs.field(factory=lambda: [-2.0])
    children: list[tuple[int, int]] = attrs.field(factory=lambda: [(-1, -1)])

    def split(self, node: int, feature: int, threshold: float) -> tuple[int, int]:
        """Split a leaf; return its two children, that of ``x[feature] <= threshold`` first."""
        left, right = len(self.feature), len(self.feature) + 1
        self.feature[node] = feature
        self.threshold[node] = threshold
        self.children[node] = (left, right)
        self.feature += [-2, -2]
        self.threshold += [-2.0, -2.0]
        self.children += [(-1, -1), (-1, -1)]
        return left, right

    def leaves(self) -> list[int]:
        """The nodes that are leaves."""
        return [node for node, feature in enumerate(self.feature) if feature < 0]

    def build(
        self, answers: dict[int, Any], n_features: int, *, classes: Array | None = None, regression: bool = False
    ) -> Estimator:
        """Build a fitted ``DecisionTreeClassifier``, or ``DecisionTreeRegressor``.

        Args:
            answers: the label, or value, of each leaf.
            n_features: how many features a row has.
            classes: all labels, sorted; by default those among the answers.
            regression: whether the answers are values.
        """
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        n, leaves = len(self.feature), self.leaves()
        of_leaf = np.array([answers[leaf] for leaf in leaves])
        if regression:
            estimator = DecisionTreeRegressor()
            values = np.zeros((n, 1, 1))
            values[leaves, 0, 0] = of_leaf
        else:
            classes = np.unique(of_leaf) if classes is None else classes
            estimator = DecisionTreeClassifier()
            estimator.classes_ = classes
            estimator.n_classes_ = np.int64(len(classes))
            values = np.full((n, 1, len(classes)), 1 / len(classes))
            values[leaves, 0] = of_leaf[:, None] == classes
        estimator.n_features_in_ = estimator.max_features_ = n_features
        estimator.n_outputs_ = 1
        estimator.tree_ = self._sklearn_tree(n_features, values)
        return estimator

    def _sklearn_tree(self, n_features: int, values: FloatArray) -> Any:
        """The nodes as scikit-learn's ``Tree``, restored as from a pickle; values of shape (nodes, 1, outputs)."""
        from sklearn.tree import DecisionTreeRegressor
        from sklearn.tree._tree import Tree

        stump = DecisionTreeRegressor().fit([[0.0]], [0.0]).tree_.__getstate__()
        nodes = np.zeros(len(self.feature), dtype=stump["nodes"].dtype)
        nodes["left_child"], nodes["right_child"] = np.transpose(self.children)
        nodes["feature"], nodes["threshold"] = self.feature, self.threshold
        nodes["n_node_samples"] = nodes["weighted_n_node_samples"] = 1
        depth = np.zeros(len(nodes), dtype=int)
        for node, pair in enumerate(self.children):  # a child comes after its parent
            if pair[0] >= 0:
                depth[list(pair)] = depth[node] + 1
        tree = Tree(n_features, np.array([values.shape[2]], dtype=np.intp), 1)
        tree.__setstate__(
            {
                "max_depth": int(depth.max()),
                "node_count": len(nodes),
                "nodes": nodes,
                "values": np.ascontiguousarray(values),
            }
        )
        return tree


def ids_of(answers: Array, shown: dict[Any, Any]) -> list[Any]:
    """The leaf ids of answers, or the values if these are the answers; what is shown beside an id is put in ``shown``.

    >>> shown = {}
    >>> ids_of(np.array([(3, "a"), (7, "b")], dtype=[("leaf", int), ("label", "U1")]), shown), shown
    ([3, 7], {3: 'a', 7: 'b'})
    """
    if answers.dtype.names is None:
        return answers.tolist()  # type: ignore[no-any-return]
    ids: list[Any] = answers["leaf"].tolist()
    for kind in answers.dtype.names[1:]:
        shown.update(zip(ids, answers[kind].tolist(), strict=True))
    return ids


def tree_from_ids(tree: TreeBuilder, ids: dict[int, Any], known: Knowledge, shown: Mapping[Any, Any]) -> Estimator:
    """Build the tree that answers as the interface does, from the leaf id or the value found for each leaf.

    An id is answered by what was ``shown`` beside it (:func:`ids_of`), or as it is where nothing was. Without any
    leaf it is a constant: the first of the classes, or 0.
    """
    d, classes, regression = known.domain.n_features, known.classes, known.classes is None
    if not ids:
        return constant(0.0 if classes is None else classes[0], d, regression)
    if shown:
        ids = {leaf: shown[name] for leaf, name in ids.items()}
    elif known.answers == "leaf":
        classes, regression = None, False
    return tree.build(ids, d, classes=classes, regression=regression)


def tree_around_boxes(lower: FloatArray, upper: FloatArray) -> tuple[TreeBuilder, dict[int, int]]:
    """A tree that has each box in a leaf of its own, with thresholds in the middle of the gaps between boxes.

    If no threshold separates some boxes, which cannot happen to leaves of one tree, they share a leaf.

    Args:
        lower, upper: the boxes ``lower <= x <= upper``, shape (n, d), no two of which overlap.

    Returns:
        The tree, and the box of each leaf that has one; of several boxes the largest.

    >>> tree, box_of = tree_around_boxes(np.array([[0.0, 0.0], [0.0, 3.0]]), np.array([[2.0, 1.0], [2.0, 4.0]]))
    >>> tree.feature[0], tree.threshold[0], box_of
    (1, 2.0, {1: 0, 2: 1})
    """
    tree, box_of = TreeBuilder(), dict[int, int]()
    waiting = [(0, np.arange(len(lower)))]
    while waiting:
        node, boxes = waiting.pop()
        order = np.argsort(lower[boxes], axis=0, kind="stable")
        start = np.take_along_axis(lower[boxes], order, axis=0)
        reach = np.maximum.accumulate(np.take_along_axis(upper[boxes], order, axis=0), axis=0)
        row, column = np.nonzero(start[1:] > reach[:-1])
        if len(row) == 0:
            if len(boxes):
                box_of[node] = int(boxes[(upper[boxes] - lower[boxes]).sum(axis=1).argmax()])
            continue
        best = np.abs(2 * (row + 1) - len(boxes)).argmin()  # the split that is nearest to even
        i, j = row[best], int(column[best])
        left, right = tree.split(node, j, threshold_between(float(reach[i, j]), float(start[i + 1, j])))
        waiting += [(right, boxes[order[i + 1 :, j]]), (left, boxes[order[: i + 1, j]])]
    return tree, box_of


def threshold_between(below: float, above: float) -> float:
    """A threshold with the float32 number ``below`` on its left and ``above`` on its right.

    >>> threshold_between(2.0, 3.0)
    2.5
    """
    return below / 2 + above / 2
