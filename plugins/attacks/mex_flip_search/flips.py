"""RF'_n: the best forest that labels a row otherwise, found by flipping leaves of the fitted forest."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from functools import reduce
from typing import TypeAlias

import numpy as np

from mex.types import Array, BoolArray, Estimator, FloatArray

Choose: TypeAlias = Callable[[Array, int, Array, FloatArray], BoolArray]
"""Chooses sets of trees to flip: :func:`choices` with its settings filled in."""


class Votes:
    """A fitted forest and labelled rows, in tables with which a flip takes no prediction.

    For each tree and row they hold the leaf of the row; for each row the votes by class, the decision (the class of
    most votes, the first of several) and how many flips could change it.
    """

    def __init__(self, forest: Estimator, X: FloatArray, y: Array, weights: FloatArray, capacity: int) -> None:
        """``forest`` has ``estimators_``, each with a ``tree_``; there will be at most ``capacity`` rows."""
        trees = [estimator.tree_ for estimator in forest.estimators_]
        nodes = max(tree.node_count for tree in trees)
        self._forest = forest
        self.classes: Array = np.asarray(forest.classes_)
        self._votes = np.zeros((len(trees), nodes), dtype=np.int64)  # the class that each node of each tree votes for
        for votes, tree in zip(self._votes, trees, strict=True):
            votes[: tree.node_count] = tree.value[:, 0].argmax(axis=1)
        # Narrow integers: comparing the leaves of all rows is most of the time of a decision.
        self._leaves = np.empty((len(trees), capacity), dtype=np.min_scalar_type(nodes))
        self._counts = np.empty((len(self.classes), capacity), dtype=np.float32)
        self._tie_break = np.arange(len(self.classes)) / 1000  # so that the first of several classes wins a tie
        self._decided = np.empty(capacity, dtype=np.int64)
        self._y = np.empty(capacity, dtype=np.int64)
        self._flips = np.empty(capacity, dtype=np.int64)
        self._weights = np.empty(capacity)
        self.n = 0
        self.add(X, y, weights)

    def add(self, X: FloatArray, y: Array, weights: FloatArray) -> None:
        """Add labelled rows; a label that the forest has not been fitted to counts as an error in any case."""
        new = slice(self.n, self.n + len(X))
        leaves = self.leaves(X)
        votes = np.take_along_axis(self._votes, leaves, axis=1)
        counts = np.stack([(votes == c).sum(axis=0) for c in range(len(self.classes))], axis=1)
        ranked = np.sort(counts, axis=1)
        lead = ranked[:, -1] - ranked[:, :-1].max(axis=1, initial=0)
        self._leaves[:, new] = leaves
        self._weights[new] = weights
        self._counts[:, new] = (counts - self._tie_break).T
        self._decided[new] = counts.argmax(axis=1)
        # A flip moves a vote from one class to another, so the lead decreases by at most 2.
        self._flips[new] = np.maximum((lead + 1) // 2, 1)
        match = np.asarray(y)[:, None] == self.classes
        self._y[new] = np.where(match.any(axis=1), match.argmax(axis=1), -1)
        self.n += len(X)

    def leaves(self, X: FloatArray) -> Array:
        """The leaf of each row in each tree, shape (trees, n)."""
        return np.ascontiguousarray(self._forest.apply(X).T)

    def gap(self, at: Array, choose: Choose) -> float:
        """The weight that RF'_n has wrong more than the forest, for a row in the leaves ``at``, shape (trees,).

        It is the least over the other classes and over the sets of trees from ``choose`` that vote for the class in the
        leaf of the row; they are so many that it wins alone (:func:`fewest`).
        """
        votes = self._votes[np.arange(len(at)), at]
        counts = np.bincount(votes, minlength=len(self.classes))
        decided = counts.argmax()
        flips = {label: fewest(counts, label) for label in range(len(counts)) if label != decided}
        same = self._leaves[:, : self.n] == at.astype(self._leaves.dtype)[:, None]
        shared = same.view(np.uint8).sum(axis=0, dtype=np.uint8 if len(at) < 256 else np.uint32)
        most = max((flip.sum() for flip in flips.values()), default=0)
        rows = np.flatnonzero(np.minimum(shared, most) >= self._flips[: self.n])
        return min((self._added(rows, same[:, rows], votes, c, flip, choose) for c, flip in flips.items()), default=0.0)

    def _added(self, rows: Array, same: BoolArray, votes: Array, label: int, flip: Array, choose: Choose) -> float:
        """The least weight that flipping a set of trees to ``label`` adds to the errors among ``rows``."""
        others = self._decided[rows] != label  # a row with the label keeps it
        rows, shared = rows[others], same[:, others].astype(np.float32)
        if len(rows) == 0:
            return 0.0
        y, weights, wrong = self._y[rows], self._weights[rows], self._decided[rows] != self._y[rows]
        cost = np.where(y == label, -1.0, ~wrong) * weights / self._flips[rows]  # per flip of those it takes
        damage = shared @ cost.astype(np.float32)  # float64 would copy ``shared``
        chosen = choose(votes, label, flip, damage.astype(np.float64))
        after = list(self._counts[:, None, rows])  # the votes of each class, shape (sets, rows) once some have moved
        for c in np.unique(votes[votes != label]):
            moved = chosen[:, votes == c].astype(np.float32) @ shared[votes == c]
            after[c] = after[c] - moved
            after[label] = after[label] + moved
        most = reduce(np.maximum, after)
        right = reduce(np.logical_or, [(y == c) & (count >= most) for c, count in enumerate(after)])
        return float(((~right).astype(np.float64) @ weights).min() - wrong @ weights)


def fewest(counts: Array, label: int) -> Array:
    """The fewest trees of each class that have to vote for ``label`` instead, so that it has the most votes alone.

    For two classes, and r of o trees against it, they are r - ceil(o/2) + 1: the paper's r - floor(o/2) + 1 if o is
    even, and one less if it is odd. For several classes, flips that trees of any class may make are counted at
    ``label``.

    Args:
        counts: the votes by class.
        label: the index of the class.

    >>> [int(fewest(np.array(counts), label=0).sum()) for counts in ([3, 7], [4, 7], [5, 5], [0, 4, 5])]
    [3, 2, 1, 4]
    >>> fewest(np.array([0, 4, 5]), label=0)  # of 4 flips, one of class 1, two of class 2, and one of either
    array([1, 1, 2])
    """
    flips = np.arange(counts.sum() + 1)
    needed = np.maximum(counts - (counts[label] + flips[:, None]) + 1, 0)  # of each class, if there are so many flips
    needed[:, label] = 0
    free = flips - needed.sum(axis=1)
    least = np.argmax(free >= 0)
    needed[least, label] = free[least]
    return np.asarray(needed[least])


def choices(
    votes: Array,
    label: int,
    flip: Array,
    damage: FloatArray,
    *,
    exhaustive: int,
    draws: int,
    rng: np.random.Generator,
) -> BoolArray:
    """Sets of trees to flip to ``label``, shape (sets, trees): all of them, or a greedy one and random ones.

    Args:
        votes: the class that each tree votes for.
        label, flip: how many trees of each class to flip to which label (:func:`fewest`).
        damage: about how much weight each tree makes wrong if it is flipped; the greedy set minimises it.
        exhaustive: all sets are returned if there are at most so many.
        draws: how many random sets are returned otherwise.
        rng: draws them.
    """
    trees, size = np.flatnonzero(votes != label), int(flip.sum())
    must = np.flatnonzero((flip > 0) & (np.arange(len(flip)) != label))
    if math.comb(len(trees), size) <= exhaustive:
        sets = np.array(list(itertools.combinations(trees, size)))
        sets = sets[((votes[sets][:, :, None] == must).sum(axis=1) >= flip[must]).all(axis=1)]
    else:
        order = np.vstack([damage, rng.random((draws, len(votes)))])
        order[:, votes == label] = np.inf
        for c in must:  # as many trees of each class as needed come first, then any
            of_class = np.flatnonzero(votes == c)
            first = np.argsort(order[:, of_class], axis=1, kind="stable")[:, : flip[c]]
            np.put_along_axis(order, of_class[first], -np.inf, axis=1)
        sets = np.argsort(order, axis=1, kind="stable")[:, :size]
    chosen = np.zeros((len(sets), len(votes)), dtype=bool)
    np.put_along_axis(chosen, sets, True, axis=1)
    return chosen
