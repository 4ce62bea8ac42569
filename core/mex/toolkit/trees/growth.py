"""The smallest tree that fits the answers: every split is chosen by how small the trees below it can be.

Greedy gains mislead, most of all on corner-like rows, where a root may tell nothing about the label by itself. So the
thresholds of largest gain are tried out: each side is given a greedy tree, and the split with the fewest leaves in
all wins. That costs no query.
"""

from __future__ import annotations

from collections.abc import Set

import attrs
import numpy as np
from sklearn import config_context
from sklearn.tree import DecisionTreeRegressor

from mex.toolkit.trees.branches import Branches, threshold_between
from mex.toolkit.trees.thresholds import Box, Thresholds
from mex.types import Array, BoolArray, FloatArray

STALE = 0.7
"""A split is reconsidered when it was chosen by less than this share of the rows or of the thresholds there are now."""
SCREEN = 1000
"""Rows on which all thresholds are tried out, before a few are on all rows."""
FINAL = 5
FEW = 12
"""With so few rows the largest gain decides: there is nothing to look ahead to."""


@attrs.frozen(eq=False)
class Leaf:
    """A leaf: its node, its box, the rows asked inside, the index of its label."""

    node: int
    box: Box
    rows: Array
    label: int


@attrs.frozen
class Decision:
    """The threshold chosen for a box, from how many rows and thresholds, and how many leaves it promised."""

    split: int
    rows: int
    thresholds: int
    leaves: int


@attrs.define(eq=False)
class Growth:
    """A tree that fits the answers as far as they tell.

    Attributes:
        branches, leaves: the tree.
        mixed: leaves of several labels that no known threshold tells apart.
        thin: boxes with too few probes to choose a split by, and how many they lack.
        promised: how many leaves there may be once those are split.
    """

    branches: Branches = attrs.field(factory=Branches)
    leaves: list[Leaf] = attrs.field(factory=list)
    mixed: list[Leaf] = attrs.field(factory=list)
    thin: list[tuple[Leaf, int]] = attrs.field(factory=list)
    promised: int = 0


def grow(
    known: Thresholds,
    X: FloatArray,
    y: Array,
    *,
    look: int,
    least: int = 1,
    patience: int = 0,
    probe: BoolArray | None = None,
    exhausted: Set[bytes] = frozenset(),
    decisions: dict[bytes, Decision] | None = None,
) -> Growth:
    """Grow a tree over the thresholds of ``known`` that fits rows ``X`` and the indices ``y`` of their labels.

    Args:
        known, X, y: what is known of the target.
        look: how many thresholds are tried out for a split, those of the largest gain.
        least: the fewest rows in a leaf.
        patience: how many probes in its box a split needs per leaf that it promises; a box with fewer stays a leaf.
        probe: which rows are probes.
        exhausted: the keys of boxes without new probes to ask: they count as having enough.
        decisions: remembers the splits from one call to the next.

    >>> from mex import Domain
    >>> known = Thresholds(Domain([0, 0], [1, 1]))
    >>> known.add(0, 0.25, 0.5)
    >>> X = np.array([[0.1, 0.3], [0.2, 0.9], [0.7, 0.2]])
    >>> growth = grow(known, X, np.array([1, 1, 0]), look=5)
    >>> [(leaf.label, leaf.rows.tolist()) for leaf in growth.leaves]
    [(1, [0, 1]), (0, [2])]
    """
    growth, Z = Growth(), known.indicators(X)
    decisions = {} if decisions is None else decisions
    k = int(y.max(initial=0)) + 1
    waiting = [(0, known.box, np.arange(len(y)))]
    while waiting:
        node, box, rows = waiting.pop()
        counts = np.bincount(y[rows], minlength=k)
        leaf = Leaf(node, box, rows, int(counts.argmax()))
        if (counts > 0).sum() <= 1:
            growth.leaves.append(leaf)
            continue
        inside = known.within(box)
        gain = gains(Z[np.ix_(rows, inside)], y[rows], least)
        if gain.max(initial=-1) < 0:
            growth.leaves.append(leaf)
            growth.mixed.append(leaf)
            continue
        decision = decisions.get(box.key)
        if decision is None or min(decision.rows / len(rows), decision.thresholds / len(inside)) < STALE:
            order = np.argsort(-gain, kind="stable")[: look if len(rows) > FEW else 1]
            decision = _smallest(Z, y, rows, inside, inside[order[gain[order] >= 0]], least)
            decisions[box.key] = decision
        lacking = patience * decision.leaves - (int(probe[rows].sum()) if probe is not None else 0)
        if patience and lacking > 0 and box.key not in exhausted:
            growth.leaves.append(leaf)
            growth.thin.append((leaf, lacking))
            growth.promised += decision.leaves - 1
            continue
        split, right = decision.split, Z[rows, decision.split]
        threshold = threshold_between(float(known.below[split]), float(known.above[split]))
        nodes = growth.branches.split(node, int(known.column[split]), threshold)
        halves = known.halves(box, split)
        waiting += [(nodes[1], halves[1], rows[right]), (nodes[0], halves[0], rows[~right])]
    growth.promised += len(growth.leaves)
    return growth


def gains(Z: BoolArray, y: Array, least: int) -> FloatArray:
    """How much purer (Gini) the two sides of each threshold are than their union, up to constants; -1 for no split."""
    n, right = len(Z), Z.sum(axis=0)
    of_label = np.eye(int(y.max()) + 1)[y]
    there = of_label.T @ Z
    here = of_label.sum(axis=0)[:, None] - there
    gain = (there**2).sum(axis=0) / np.maximum(right, 1) + (here**2).sum(axis=0) / np.maximum(n - right, 1)
    return np.where((right < least) | (right > n - least), -1.0, gain)


def _smallest(Z: BoolArray, y: Array, rows: Array, inside: Array, candidates: Array, least: int) -> Decision:
    """The threshold among ``candidates``, best gain first, whose two sides take the fewest leaves."""
    table, labels = Z[np.ix_(rows, inside)].astype(np.float32), np.eye(int(y.max()) + 1)[y[rows]]

    def leaves(split: int, step: int = 1) -> int:
        some, of, right = table[::step], labels[::step], Z[rows[::step], split]
        return _size(some[right], of[right], least) + _size(some[~right], of[~right], least)

    if len(candidates) == 1:
        return Decision(int(candidates[0]), len(rows), len(inside), 2)
    step = len(rows) // SCREEN
    if step > 1:
        candidates = np.array(sorted(candidates, key=lambda split: leaves(split, step))[:FINAL])
    sizes = [leaves(split) for split in candidates]
    best = int(np.argmin(sizes))
    return Decision(int(candidates[best]), len(rows), len(inside), sizes[best])


def _size(table: FloatArray, labels: FloatArray, least: int) -> int:
    """How many leaves a greedy tree takes; ``labels`` are one-hot, shape (n, k)."""
    if len(labels) == 0 or (labels == labels[0]).all():
        return 1
    # Squared error of one-hot labels is Gini, and a regressor looks at its targets for half as long as a classifier.
    greedy = DecisionTreeRegressor(min_samples_leaf=least, random_state=0)
    with config_context(skip_parameter_validation=True, assume_finite=True):  # a third of the time of a small fit
        return int(greedy.fit(table, labels, check_input=False).get_n_leaves())
