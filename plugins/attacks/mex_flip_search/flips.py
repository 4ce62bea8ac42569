"""RF'_n: the best forest that answers a row otherwise, found by flipping leaves, without a refit."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from functools import reduce
from typing import TypeAlias

import numpy as np

from mex.types import Array, BoolArray, Estimator, FloatArray

Choose: TypeAlias = Callable[[Array, int, Array, FloatArray], BoolArray]
"""Which sets of trees to try: :func:`choices` with its settings filled in."""


class Votes:
    """A fitted forest and the labelled rows it is judged on, kept so that a flip costs no prediction.

    Of each tree and row it keeps the leaf that the row is in; of each row the votes by class, the decision
    (the class of most votes, the first of them where several tie) and how many flips could change it.
    """

    def __init__(self, forest: Estimator, X: FloatArray, y: Array, weights: FloatArray, room: int) -> None:
        """``forest`` has ``estimators_``, each with a ``tree_``; there will be ``room`` rows at most."""
        trees = [estimator.tree_ for estimator in forest.estimators_]
        nodes = max(tree.node_count for tree in trees)
        self._forest, self.classes = forest, np.asarray(forest.classes_)
        self._votes = np.zeros((len(trees), nodes), dtype=np.int64)  # the class that each node of each tree votes for
        for votes, tree in zip(self._votes, trees, strict=True):
            votes[: tree.node_count] = tree.value[:, 0].argmax(axis=1)
        # Narrow numbers: comparing the leaves of all rows is most of what a decision costs.
        self._leaves = np.empty((len(trees), room), dtype=np.min_scalar_type(nodes))
        self._counts = np.empty((len(self.classes), room), dtype=np.float32)
        self._handicap = np.arange(len(self.classes)) / 1000  # so that the first of several classes wins a tie
        self._decided, self._y = np.empty(room, dtype=np.int64), np.empty(room, dtype=np.int64)
        self._flips, self._weights = np.empty(room, dtype=np.int64), np.empty(room)
        self.n = 0
        self.add(X, y, weights)

    def add(self, X: FloatArray, y: Array, weights: FloatArray) -> None:
        """Take further labelled rows; a label that the forest has never seen is an error whatever it answers."""
        new = slice(self.n, self.n + len(X))
        leaves = self.leaves(X)
        votes = np.take_along_axis(self._votes, leaves, axis=1)
        counts = np.stack([(votes == c).sum(axis=0) for c in range(len(self.classes))], axis=1)
        ranked = np.sort(counts, axis=1)
        lead = ranked[:, -1] - ranked[:, :-1].max(axis=1, initial=0)
        self._leaves[:, new], self._weights[new] = leaves, weights
        self._counts[:, new] = (counts - self._handicap).T
        self._decided[new] = counts.argmax(axis=1)
        # One flip takes a vote from one class and gives it to another: the lead shrinks by 2 at most.
        self._flips[new] = np.maximum((lead + 1) // 2, 1)
        match = np.asarray(y)[:, None] == self.classes
        self._y[new] = np.where(match.any(axis=1), match.argmax(axis=1), -1)
        self.n += len(X)

    def leaves(self, X: FloatArray) -> Array:
        """The leaf of each tree that each row is in, shape (trees, n)."""
        return np.ascontiguousarray(self._forest.apply(X).T)

    def gap(self, at: Array, choose: Choose) -> float:
        """How much more weight RF'_n has wrong than the forest, for the row in the leaves ``at``, shape (trees,).

        Each other class is tried, and the best one counts: the trees of a choice vote for it in the leaf
        that the row is in, so many of them that it wins alone (:func:`fewest`).
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
        """The least weight that a choice of trees flipped to ``label`` makes wrong among ``rows``."""
        others = self._decided[rows] != label  # a row that has the label already keeps it
        rows, shared = rows[others], same[:, others].astype(np.float32)
        if len(rows) == 0:
            return 0.0
        y, weights, wrong = self._y[rows], self._weights[rows], self._decided[rows] != self._y[rows]
        cost = np.where(y == label, -1.0, ~wrong) * weights / self._flips[rows]  # shared by the flips that it takes
        damage = shared @ cost.astype(np.float32)  # float64 would copy all that is shared
        chosen = choose(votes, label, flip, damage.astype(np.float64))
        after = list(self._counts[:, None, rows])  # of each class, shape (choices, rows) once its votes have moved
        for c in np.unique(votes[votes != label]):
            moved = chosen[:, votes == c].astype(np.float32) @ shared[votes == c]
            after[c] = after[c] - moved
            after[label] = after[label] + moved
        most = reduce(np.maximum, after)
        right = reduce(np.logical_or, [(y == c) & (count >= most) for c, count in enumerate(after)])
        return float(((~right).astype(np.float64) @ weights).min() - wrong @ weights)


def fewest(counts: Array, label: int) -> Array:
    """How many trees of each class have to vote for ``label`` instead, so that it has more votes than any other.

    ``counts`` are the votes by class. They are the fewest in all: for two classes, and r of o trees in
    favour, r - ceil(o/2) + 1. That is the paper's r - floor(o/2) + 1 where o is even, and one less where it
    is odd. With several classes some flips may be left for trees of any class: they are counted at ``label``.

    >>> [int(fewest(np.array(counts), label=0).sum()) for counts in ([3, 7], [4, 7], [5, 5], [0, 4, 5])]
    [3, 2, 1, 4]
    >>> fewest(np.array([0, 4, 5]), label=0)  # of the 4, at least one of class 1 and two of class 2
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
    """Sets of trees to flip to ``label``, shape (sets, trees): all there are, or a greedy one and random ones.

    Args:
        votes: the class that each tree votes for.
        label, flip: how many trees of each class to flip to that label (:func:`fewest`).
        damage: about how much weight each tree makes wrong if it is flipped; the greedy set has the least.
        exhaustive: the most sets to try all of them.
        draws: how many random sets to try otherwise.
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
        for c in must:  # first come as many trees of each class as it takes, then whichever
            mine = np.flatnonzero(votes == c)
            first = np.argsort(order[:, mine], axis=1, kind="stable")[:, : flip[c]]
            np.put_along_axis(order, mine[first], -np.inf, axis=1)
        sets = np.argsort(order, axis=1, kind="stable")[:, :size]
    chosen = np.zeros((len(sets), len(votes)), dtype=bool)
    np.put_along_axis(chosen, sets, True, axis=1)
    return chosen
