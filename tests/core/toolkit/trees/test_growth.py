"""The smallest tree that fits: it fits, it looks ahead, and it says where rows are too few."""

from __future__ import annotations

import numpy as np
import pytest

import mex
from mex.toolkit.trees.growth import Decision, grow
from mex.toolkit.trees.thresholds import Thresholds
from mex.types import Array, FloatArray


def bits(n: int, rows: int, seed: int = 0) -> tuple[Thresholds, FloatArray]:
    known = Thresholds(mex.Domain(np.zeros(n), np.ones(n)))
    for column in range(n):
        known.add(column, 0.4, 0.6)
    return known, np.random.default_rng(seed).choice([0.0, 1.0], size=(rows, n))


def multiplexer(X: FloatArray) -> Array:
    """The two selectors tell nothing about the label by themselves, and are the root of the smallest tree."""
    picked = 2 + 2 * X[:, 0] + X[:, 1]
    return X[np.arange(len(X)), picked.astype(int)].astype(int)


def test_it_looks_ahead_where_gains_mislead() -> None:
    sizes = {}
    for look in (1, 10):
        known, X = bits(6, 400)
        growth = grow(known, X, multiplexer(X), look=look)
        tree = growth.tree.build({leaf.node: leaf.label for leaf in growth.leaves}, 6)
        assert (tree.predict(X) == multiplexer(X)).all()
        sizes[look] = len(growth.leaves)
    assert sizes[10] <= 10
    assert sizes[10] <= sizes[1]


@pytest.mark.parametrize("look", [1, 10])
def test_the_leaves_partition_the_rows_and_hold_them(look: int) -> None:
    known, X = bits(8, 300)
    y = (X[:, :3].sum(axis=1) >= 2).astype(int)
    growth = grow(known, X, y, look=look)
    rows = np.concatenate([leaf.rows for leaf in growth.leaves])
    assert sorted(rows) == list(range(300))
    for leaf in growth.leaves:
        assert leaf.box.holds(X[leaf.rows]).all()
        assert (y[leaf.rows] == leaf.label).all()
    assert not growth.mixed
    assert not growth.undersampled


def test_rows_that_nothing_tells_apart_are_a_mixed_leaf() -> None:
    known, X = bits(2, 40)
    y = np.arange(40) % 2
    growth = grow(known, X, y, look=4)
    assert {leaf.node for leaf in growth.mixed} <= {leaf.node for leaf in growth.leaves}
    assert sum(len(leaf.rows) for leaf in growth.mixed) == 40


def test_a_box_with_too_few_probes_stays_a_leaf_and_says_how_many_it_lacks() -> None:
    known, X = bits(6, 40)
    probe = np.ones(40, dtype=bool)
    growth = grow(known, X, multiplexer(X), look=10, patience=100, probe=probe)
    assert len(growth.leaves) == 1
    assert growth.undersampled[0][1] >= 100 * 4 - 40


def test_least_rows_in_a_leaf_and_remembered_decisions() -> None:
    known, X = bits(5, 200)
    y = (X[:, 0] + X[:, 1] > 1).astype(int) ^ (np.random.default_rng(1).random(200) < 0.1)
    assert min(len(leaf.rows) for leaf in grow(known, X, y, look=5, least=20).leaves) >= 20
    decisions: dict[bytes, Decision] = {}
    first = grow(known, X, y, look=5, decisions=decisions)
    assert decisions
    decisions[known.box.key] = Decision(4, 200, 5, 3)
    again = grow(known, X, y, look=5, decisions=decisions)
    assert again.tree.feature[0] == 4 != first.tree.feature[0]


def test_no_rows_are_one_leaf() -> None:
    known, X = bits(2, 0)
    assert len(grow(known, X, np.zeros(0, dtype=int), look=5).leaves) == 1
