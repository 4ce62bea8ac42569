"""Thresholds of trees that compare in float64: where they are found to float32, the rest is bisected."""

from __future__ import annotations

import copy
from typing import Any

import attrs
import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer

from mex.knowledge import Knowledge
from mex.learner import Learner
from mex.toolkit.trees.builder import ids_of
from mex.types import Array, Estimator, FloatArray

DOUBLE = "float64"
"""What :attr:`mex.Family.public` says of the ``precision`` of a model that compares in float64."""
CANDIDATES = 200
"""The most rows among which one is sought that is answered differently on the two sides of a threshold."""


def refined(learner: Learner, known: Knowledge) -> Learner:
    """A learner that finds a tree to float32, or to float64 where the model is known to compare in that."""
    return Refined(learner, known) if known.family.public.get("precision") == DOUBLE else learner


@attrs.define(eq=False)
class Threshold:
    """A threshold between two numbers, the lower of which is on its left.

    Attributes:
        column: of the feature that is compared.
        row: a row whose answer depends on the side on which its ``column`` is.
        low, high: the numbers.
        left: the answer on the left.
    """

    column: int
    row: FloatArray
    low: float
    high: float
    left: Any = None

    def at(self, place: float) -> FloatArray:
        """The row with ``place`` in its column."""
        row = self.row.copy()
        row[self.column] = place
        return row

    @property
    def middle(self) -> float:
        """The number half way, which is one of the two if they are neighbours."""
        return self.low / 2 + self.high / 2

    @property
    def open(self) -> bool:
        """Whether there is a number between the two."""
        return self.low < self.middle < self.high


class Refined:
    """A learner that goes on where another ends: it bisects the gap of float32 around each threshold of its tree.

    It takes about thirty queries for each threshold. The hypothesis is a pipeline that counts, for each feature, the
    thresholds below its value, and then a tree over these counts, since trees of scikit-learn compare in float32.

    Args:
        inner: a learner whose hypothesis is a tree of scikit-learn.
        known: what it knows.
    """

    def __init__(self, inner: Learner, known: Knowledge) -> None:
        self._inner = inner
        self._discrete = known.domain.discrete
        self._lower, self._upper = known.domain.lower, known.domain.upper
        self._rows: list[FloatArray] = []
        self._tree: Estimator | None = None  # that of the learner, when it is done
        self._found: dict[tuple[int, float], Threshold] = {}
        self._asked: list[tuple[Threshold, float]] = []
        self._compared = False

    @property
    def note(self) -> str:
        """What the learner says, and to what its thresholds were found."""
        said = str(getattr(self._inner, "note", ""))
        if self._tree is None:
            return said
        searched = sum(not threshold.open for threshold in self._found.values())
        more = f"{searched} of {len(self._found)} thresholds are exact to float64"
        return f"{said}; {more}" if said else more

    def ask(self) -> FloatArray | None:
        """What the learner asks, then a row for each threshold."""
        if self._tree is None:
            rows = self._inner.ask()
            if rows is not None:
                return rows
            self._tree = self._inner.hypothesis()
            self._start()
        if not self._compared:
            self._asked = [(t, place) for t in self._found.values() for place in (t.low, t.high)]
        else:
            self._asked = [(t, t.middle) for t in self._found.values() if t.open]
        return np.array([threshold.at(place) for threshold, place in self._asked]) if self._asked else None

    def tell(self, X: FloatArray, answers: Array) -> None:
        """Tell the learner, or move the ends of the gaps."""
        if self._tree is None:
            self._rows.append(np.array(X))
            self._inner.tell(X, answers)
            return
        ids = ids_of(answers, {})
        if not self._compared:
            self._compared = True
            for i in range(0, len(ids) - 1, 2):
                self._asked[i][0].left = ids[i]
            alike = {id(self._asked[i][0]) for i in range(0, len(ids) - 1, 2) if ids[i] == ids[i + 1]}
            unasked = {id(threshold) for threshold, _ in self._asked[len(ids) - len(ids) % 2 :]}
            self._found = {k: t for k, t in self._found.items() if id(t) not in alike | unasked}
            return
        for (threshold, place), answer in zip(self._asked, ids, strict=False):
            if answer == threshold.left:
                threshold.low = place
            else:
                threshold.high = place

    def _start(self) -> None:
        """Find a row on each threshold of the tree: one that has been asked and comes by there."""
        tree = getattr(self._tree, "tree_", None)
        if tree is None or not self._rows:
            return
        rows = np.concatenate(self._rows)
        passes = self._tree.decision_path(rows).tocsc()  # type: ignore[union-attr]
        for node in np.flatnonzero(tree.feature >= 0).tolist():
            column = int(tree.feature[node])
            low, high = _around(float(tree.threshold[node]))
            inside = self._lower[column] <= low and high <= self._upper[column]
            if self._discrete[column] or not inside or (column, low) in self._found:
                continue
            there = rows[passes.indices[passes.indptr[node] : passes.indptr[node + 1]][:CANDIDATES]]
            if len(there):
                # Where answers are labels, both sides have to have different ones.
                sides = [self._tree.predict(_moved(there, column, place)) for place in (low, high)]  # type: ignore[union-attr]
                self._found[column, low] = Threshold(column, there[np.argmax(sides[0] != sides[1])], low, high)

    def hypothesis(self) -> Estimator:
        """The tree, its thresholds as they are known so far."""
        if self._tree is None or not self._found:
            return self._inner.hypothesis()
        tree = copy.deepcopy(self._tree)
        feature, threshold = tree.tree_.feature, tree.tree_.threshold
        exact = np.array(threshold)
        for node in np.flatnonzero(feature >= 0).tolist():
            key = int(feature[node]), _around(float(threshold[node]))[0]
            if key in self._found:
                exact[node] = self._found[key].middle if self._found[key].open else self._found[key].low
        edges = []
        for column in range(tree.n_features_in_):
            nodes = np.flatnonzero(feature == column)
            cuts = np.unique(exact[nodes])
            threshold[nodes] = np.searchsorted(cuts, exact[nodes]) + 0.5
            edges.append(np.concatenate([[-np.inf], np.nextafter(cuts, np.inf), [np.inf]]))
        return make_pipeline(_counter(edges), tree)


def _moved(rows: FloatArray, column: int, place: float) -> FloatArray:
    moved = rows.copy()
    moved[:, column] = place
    return moved


def _around(threshold: float) -> tuple[float, float]:
    """The float32 numbers next to a threshold, the first of which may be it."""
    low = np.float32(threshold)
    if float(low) > threshold:
        low = np.nextafter(low, np.float32(-np.inf))
    return float(low), float(np.nextafter(low, np.float32(np.inf)))


def _counter(edges: list[FloatArray]) -> Estimator:
    """A step that counts for each feature the edges that its value has reached, the first and last apart."""
    counter = KBinsDiscretizer(encode="ordinal")
    counter.bin_edges_ = np.empty(len(edges), dtype=object)
    counter.bin_edges_[:] = edges
    counter.n_bins_ = np.array([len(each) - 1 for each in edges])
    counter.n_features_in_ = len(edges)
    return counter
