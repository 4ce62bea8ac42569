"""Axis-parallel trees that are not the result of a fit: found threshold by threshold, scikit-learn's all the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np

from mex.knowledge import Knowledge
from mex.toolkit.estimators import constant
from mex.types import Array, Estimator, FloatArray


@attrs.define
class Branches:
    """A tree under construction: nodes are numbered from the root, 0; a node without feature is a leaf.

    >>> tree = Branches()
    >>> left, right = tree.split(0, feature=2, threshold=2.45)
    >>> found = tree.fitted({left: "setosa", right: "other"}, n_features=4)
    >>> found.predict([[5.1, 3.5, 1.4, 0.2], [6.2, 2.9, 4.3, 1.3]]), found.tree_.threshold[0]
    (array(['setosa', 'other'], dtype='<U6'), np.float64(2.45))
    """

    feature: list[int] = attrs.field(factory=lambda: [-2])
    threshold: list[float] = attrs.field(factory=lambda: [-2.0])
    children: list[tuple[int, int]] = attrs.field(factory=lambda: [(-1, -1)])

    def split(self, node: int, feature: int, threshold: float) -> tuple[int, int]:
        """Make a branch of a leaf; return its two leaves, that of ``x[feature] <= threshold`` first."""
        left, right = len(self.feature), len(self.feature) + 1
        self.feature[node], self.threshold[node], self.children[node] = feature, threshold, (left, right)
        self.feature += [-2, -2]
        self.threshold += [-2.0, -2.0]
        self.children += [(-1, -1), (-1, -1)]
        return left, right

    def leaves(self) -> list[int]:
        """The nodes that are leaves."""
        return [node for node, feature in enumerate(self.feature) if feature < 0]

    def fitted(
        self, answers: dict[int, Any], n_features: int, *, classes: Array | None = None, regression: bool = False
    ) -> Estimator:
        """A fitted ``DecisionTreeClassifier``, or ``Regressor``, that answers ``answers[leaf]``.

        Args:
            answers: a label (or value) per leaf.
            n_features: the width of a row.
            classes: the labels there can be, sorted; by default those among the answers.
            regression: whether the answers are values.
        """
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        n, leaves = len(self.feature), self.leaves()
        given = np.array([answers[leaf] for leaf in leaves])
        if regression:
            estimator, values = DecisionTreeRegressor(), np.zeros((n, 1, 1))
            values[leaves, 0, 0] = given
        else:
            classes = np.unique(given) if classes is None else classes
            estimator, values = DecisionTreeClassifier(), np.full((n, 1, len(classes)), 1 / len(classes))
            values[leaves, 0] = given[:, None] == classes
            estimator.classes_, estimator.n_classes_ = classes, np.int64(len(classes))
        estimator.n_features_in_ = estimator.max_features_ = n_features
        estimator.n_outputs_ = 1
        estimator.tree_ = self._state(n_features, values)
        return estimator

    def _state(self, n_features: int, values: FloatArray) -> Any:
        """The nodes as scikit-learn's own ``Tree``, restored as from a pickle."""
        from sklearn.tree import DecisionTreeRegressor
        from sklearn.tree._tree import Tree

        stump = DecisionTreeRegressor().fit([[0.0]], [0.0]).tree_.__getstate__()
        nodes = np.zeros(len(self.feature), dtype=stump["nodes"].dtype)
        nodes["left_child"], nodes["right_child"] = np.transpose(self.children)
        nodes["feature"], nodes["threshold"] = self.feature, self.threshold
        nodes["n_node_samples"] = nodes["weighted_n_node_samples"] = 1
        depth = np.zeros(len(nodes), dtype=int)
        for node, pair in enumerate(self.children):  # a child has a greater number than its parent
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
    """What tells the leaves of some answers apart: their ids, or values as they are; ``shown`` keeps what is beside.

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


def from_ids(tree: Branches, ids: dict[int, Any], known: Knowledge, shown: Mapping[Any, Any]) -> Estimator:
    """The tree that answers as the interface does, from the leaf id or the value found for each leaf.

    An id is answered by what was ``shown`` beside it (:func:`ids_of`), or as it is where nothing was. Without any
    leaf nothing is known yet: then the first of the classes, or 0.
    """
    d, classes, regression = known.domain.n_features, known.classes, known.classes is None
    if not ids:
        return constant(0.0 if classes is None else classes[0], d, regression)
    if shown:
        ids = {leaf: shown[name] for leaf, name in ids.items()}
    elif known.answers == "leaf":
        classes, regression = None, False
    return tree.fitted(ids, d, classes=classes, regression=regression)


def around(lower: FloatArray, upper: FloatArray) -> tuple[Branches, dict[int, int]]:
    """A tree with each box in one leaf of its own, and the box of each leaf; gaps between boxes are halved.

    Boxes ``lower <= x <= upper``, shape (n, d), of which no two overlap. Where no plane parts them (as happens to
    boxes that are not leaves of one tree) the largest stands for all.

    >>> tree, box_of = around(np.array([[0.0, 0.0], [0.0, 3.0]]), np.array([[2.0, 1.0], [2.0, 4.0]]))
    >>> tree.feature[0], tree.threshold[0], box_of
    (1, 2.0, {1: 0, 2: 1})
    """
    tree, box_of = Branches(), dict[int, int]()
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
        best = np.abs(2 * (row + 1) - len(boxes)).argmin()  # the most even of them
        i, j = row[best], int(column[best])
        left, right = tree.split(node, j, threshold_between(float(reach[i, j]), float(start[i + 1, j])))
        waiting += [(right, boxes[order[i + 1 :, j]]), (left, boxes[order[: i + 1, j]])]
    return tree, box_of


def threshold_between(below: float, above: float) -> float:
    """A threshold with ``below`` on its left and ``above`` on its right, both float32 numbers.

    >>> threshold_between(2.0, 3.0)
    2.5
    """
    return below / 2 + above / 2
