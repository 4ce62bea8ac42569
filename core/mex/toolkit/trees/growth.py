"""Growing a small tree that fits the answers, with one step of look-ahead.

Greedy gains mislead where a split is informative only together with those below it. So the thresholds of largest gain
are tried out: a greedy tree is fitted to either side, and the split with the fewest leaves in all is taken.
"""

from __future__ import annotations

from collections.abc import Set

import attrs
import numpy as np
from sklearn import config_context
from sklearn.tree import DecisionTreeRegressor

from mex.toolkit.trees.builder import TreeBuilder, threshold_between
from mex.toolkit.trees.thresholds import Box, Thresholds
from mex.types import Array, BoolArray, FloatArray

STALE = 0.7
"""A split is chosen again if it was chosen from less than this share of the present rows or thresholds."""
SCREEN = 1000
"""If there are several times as many rows, thresholds are first tried out on about so many of them."""
FINALISTS = 5
"""How many thresholds are tried out on all rows after that."""
FEW = 12
"""With at most so many rows the largest gain decides, without look-ahead."""


@attrs.frozen(eq=False)
class Leaf:
    """A leaf.

    Attributes:
        node: its number in the tree.
        box: its rows.
        rows: the indices of the rows asked inside.
        label: the index of their most frequent label.
    """

    node: int
    box: Box
    rows: Array
    label: int


@attrs.frozen
class Decision:
    """The split chosen for a box.

    Attributes:
        split: the index of the threshold.
        rows, thresholds: how many there were to choose it by.
        leaves: how many leaves the tree below was expected to have.
    """

    split: int
    rows: int
    thresholds: int
    leaves: int


@attrs.define(eq=False)
class Growth:
    """A tree that fits the answers as far as the known thresholds allow.

    Attributes:
        tree, leaves: the tree and its leaves.
        mixed: leaves with several labels that no known threshold separates.
        undersampled: leaves with too few probes to choose a split by, and how many more probes they need.
        expected_leaves: how many leaves the tree will have once those are split, as far as can be told.
    """

    tree: TreeBuilder = attrs.field(factory=TreeBuilder)
    leaves: list[Leaf] = attrs.field(factory=list)
    mixed: list[Leaf] = attrs.field(factory=list)
    undersampled: list[tuple[Leaf, int]] = attrs.field(factory=list)
    expected_leaves: int = 0


def grow(
    thresholds: Thresholds,
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
    """Grow a tree over known thresholds that fits labelled rows.

    Args:
        thresholds: the thresholds known.
        X: rows, shape (n, d).
        y: the indices of their labels, shape (n,).
        look: how many thresholds are tried out for a split, those of the largest gain.
        least: the fewest rows in a leaf.
        patience: how many probes a box needs, per leaf expected below it, to be split; one with fewer stays a leaf.
        probe: which rows are probes, shape (n,).
        exhausted: the keys of boxes in which no new probe can be asked; they are split all the same.
        decisions: the splits chosen, by the key of their box; kept by the caller from one call to the next.

    >>> from mex import Domain
    >>> thresholds = Thresholds(Domain([0, 0], [1, 1]))
    >>> thresholds.add(0, 0.25, 0.5)
    >>> X = np.array([[0.1, 0.3], [0.2, 0.9], [0.7, 0.2]])
    >>> growth = grow(thresholds, X, np.array([1, 1, 0]), look=5)
    >>> [(leaf.label, leaf.rows.tolist()) for leaf in growth.leaves]
    [(1, [0, 1]), (0, [2])]
    """
    growth, Z = Growth(), thresholds.indicators(X)
    decisions = {} if decisions is None else decisions
    k = int(y.max(initial=0)) + 1
    waiting = [(0, thresholds.box, np.arange(len(y)))]
    while waiting:
        node, box, rows = waiting.pop()
        counts = np.bincount(y[rows], minlength=k)
        leaf = Leaf(node, box, rows, int(counts.argmax()))
        if (counts > 0).sum() <= 1:
            growth.leaves.append(leaf)
            continue
        inside = thresholds.within(box)
        gain = gains(Z[np.ix_(rows, inside)], y[rows], least)
        if gain.max(initial=-1) < 0:
            growth.leaves.append(leaf)
            growth.mixed.append(leaf)
            continue
        decision = decisions.get(box.key)
        if decision is None or min(decision.rows / len(rows), decision.thresholds / len(inside)) < STALE:
            order = np.argsort(-gain, kind="stable")[: look if len(rows) > FEW else 1]
            decision = _choose_split(Z, y, rows, inside, inside[order[gain[order] >= 0]], least)
            decisions[box.key] = decision
        lacking = patience * decision.leaves - (int(probe[rows].sum()) if probe is not None else 0)
        if patience and lacking > 0 and box.key not in exhausted:
            growth.leaves.append(leaf)
            growth.undersampled.append((leaf, lacking))
            growth.expected_leaves += decision.leaves - 1
            continue
        split, right = decision.split, Z[rows, decision.split]
        threshold = threshold_between(float(thresholds.below[split]), float(thresholds.above[split]))
        nodes = growth.tree.split(node, int(thresholds.column[split]), threshold)
        halves = thresholds.halves(box, split)
        waiting += [(nodes[1], halves[1], rows[right]), (nodes[0], halves[0], rows[~right])]
    growth.expected_leaves += len(growth.leaves)
    return growth


def gains(Z: BoolArray, y: Array, least: int) -> FloatArray:
    """The Gini gain of a split by each column of ``Z``, up to constants, shape (k,); -1 if a side has too few rows."""
    n, right = len(Z), Z.sum(axis=0)
    of_label = np.eye(int(y.max()) + 1)[y]
    on_right = of_label.T @ Z
    on_left = of_label.sum(axis=0)[:, None] - on_right
    gain = (on_right**2).sum(axis=0) / np.maximum(right, 1) + (on_left**2).sum(axis=0) / np.maximum(n - right, 1)
    return np.where((right < least) | (right > n - least), -1.0, gain)


def _choose_split(Z: BoolArray, y: Array, rows: Array, inside: Array, candidates: Array, least: int) -> Decision:
    """The threshold among ``candidates`` with which greedy trees on its two sides have the fewest leaves."""
    table, labels = Z[np.ix_(rows, inside)].astype(np.float32), np.eye(int(y.max()) + 1)[y[rows]]

    def n_leaves(split: int, step: int = 1) -> int:
        subset, of_subset, right = table[::step], labels[::step], Z[rows[::step], split]
        on_right = _greedy_leaves(subset[right], of_subset[right], least)
        return on_right + _greedy_leaves(subset[~right], of_subset[~right], least)

    if len(candidates) == 1:
        return Decision(int(candidates[0]), len(rows), len(inside), 2)
    step = len(rows) // SCREEN
    if step > 1:
        candidates = np.array(sorted(candidates, key=lambda split: n_leaves(split, step))[:FINALISTS])
    sizes = [n_leaves(split) for split in candidates]
    best = int(np.argmin(sizes))
    return Decision(int(candidates[best]), len(rows), len(inside), sizes[best])


def _greedy_leaves(table: FloatArray, labels: FloatArray, least: int) -> int:
    """How many leaves CART takes to fit one-hot ``labels``, shape (n, k)."""
    if len(labels) == 0 or (labels == labels[0]).all():
        return 1
    # The squared error of one-hot labels is the Gini impurity, and a regressor is fitted twice as fast as a classifier.
    greedy = DecisionTreeRegressor(min_samples_leaf=least, random_state=0)
    with config_context(skip_parameter_validation=True, assume_finite=True):  # a third of the time of a small fit
        return int(greedy.fit(table, labels, check_input=False).get_n_leaves())
