"""Decision trees over bits whose nodes test a parity."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin

from mex.types import Array, BoolArray, FloatArray

CELLS = 2**24
"""The most numbers in memory in a step of the fit."""


class ParityTree(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A complete binary tree over {0,1}^n: a node tests the parity of some bits, and goes left if it is even.

    Nodes are numbered as in a heap: node v has the children 2v + 1 and 2v + 2. A node that tests no bit goes left. The
    fit is greedy, by the parity of least impurity at each node. With ``oblivious`` all nodes of a level have the same
    test, so that with width 1 the tree is a junta of ``depth`` bits.

    Attributes:
        masks_: the bits that each inner node tests, shape (2^depth - 1, n).
        leaves_: the index of each leaf's class, shape (2^depth,).
        classes_: the two labels.

    >>> bits = np.random.default_rng(0).integers(2, size=(500, 6))
    >>> labels = (bits[:, 0] ^ bits[:, 3]) & bits[:, 1]
    >>> tree = ParityTree(depth=2, width=2).fit(bits, labels)
    >>> tree.masks_[0].astype(int), float(tree.score(bits, labels))
    (array([1, 0, 0, 1, 0, 0]), 1.0)
    """

    def __init__(self, depth: int = 4, width: int = 2, oblivious: bool = False) -> None:
        self.depth = depth
        self.width = width
        self.oblivious = oblivious

    @classmethod
    def random(cls, n: int, depth: int, width: int, oblivious: bool, rng: np.random.Generator) -> ParityTree:
        """A tree of random parities of 1 to ``width`` of ``n`` bits; half of its leaves have either label.

        In an oblivious one each level tests different bits.
        """
        tree = cls(depth, width, oblivious)
        tree.masks_ = np.zeros((2**depth - 1, n), dtype=bool)
        if oblivious:
            order = rng.permutation(n)
            for level in range(depth):
                tree.masks_[2**level - 1 : 2 ** (level + 1) - 1, order[level::depth][:width]] = True
        else:
            for mask in tree.masks_:
                mask[rng.choice(n, size=rng.integers(1, width + 1), replace=False)] = True
        tree.leaves_ = rng.permutation(np.arange(2**depth) % 2)
        tree.classes_ = np.array([0, 1])
        tree.n_features_in_ = n
        return tree

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> ParityTree:
        """Fit on rows of bits, shape (m, n), and labels of two classes at most."""
        bits, labels = np.asarray(X) > 0.5, np.asarray(y)
        self.classes_ = np.unique(labels)
        self.n_features_in_ = bits.shape[1]
        if len(self.classes_) > 2:
            raise ValueError(f"a tree of parities has two classes, not {len(self.classes_)}")
        positive = labels == self.classes_[-1]
        subsets = [s for k in range(1, self.width + 1) for s in combinations(range(bits.shape[1]), k)]
        self.masks_ = np.zeros((2**self.depth - 1, bits.shape[1]), dtype=bool)
        node = np.zeros(len(bits), dtype=np.int64)
        for _ in range(self.depth):
            here = [v for v in np.unique(node) if 0 < positive[node == v].mean() < 1]
            gain = {v: gains(bits[node == v], positive[node == v], subsets) for v in here}
            if self.oblivious and gain:
                gain = dict.fromkeys(gain, np.sum(list(gain.values()), axis=0))
            for v, of_subset in gain.items():
                if of_subset.max() > 1e-9:
                    self.masks_[v, list(subsets[int(np.argmax(of_subset))])] = True
            node = 2 * node + 1 + self._odd(bits, node)
        self.leaves_ = self._majorities(node, positive)
        return self

    def predict(self, X: npt.ArrayLike) -> Array:
        """The label of each row, shape (m,)."""
        bits = np.asarray(X) > 0.5
        node = np.zeros(len(bits), dtype=np.int64)
        for _ in range(self.depth):
            node = 2 * node + 1 + self._odd(bits, node)
        return np.asarray(self.classes_[self.leaves_[node - (2**self.depth - 1)]])

    def _odd(self, bits: BoolArray, node: Array) -> Array:
        return np.asarray((bits & self.masks_[node]).sum(axis=1) & 1)

    def _majorities(self, leaf: Array, positive: BoolArray) -> Array:
        """The majority label of the rows in each leaf; without rows that of the nearest ancestor with some."""
        first = 2**self.depth - 1
        rows, votes = np.zeros(2 * first + 1), np.zeros(2 * first + 1)
        np.add.at(rows, leaf, 1)
        np.add.at(votes, leaf, positive)
        for v in reversed(range(first)):
            rows[v], votes[v] = rows[2 * v + 1 : 2 * v + 3].sum(), votes[2 * v + 1 : 2 * v + 3].sum()
        majority = votes > rows / 2
        for v in range(1, 2 * first + 1):
            if rows[v] == 0:
                majority[v] = majority[(v - 1) // 2]
        return np.asarray(majority[first:] * (len(self.classes_) - 1))


def gains(bits: BoolArray, positive: BoolArray, subsets: list[tuple[int, ...]]) -> FloatArray:
    """The variance of the label that the parity of each subset explains, times the number of rows, shape (subsets,)."""
    signs, y = 1.0 - 2.0 * bits, np.where(positive, 1.0, -1.0)
    found = []
    for chunk in _chunks(subsets, max(1, CELLS // len(bits))):
        characters = np.stack([signs[:, list(s)].prod(axis=1) for s in chunk])
        count, total = (len(bits) + characters.sum(axis=1)) / 2, (y.sum() + characters @ y) / 2  # of the even rows
        odd, rest = len(bits) - count, y.sum() - total
        found.append(total**2 / np.maximum(count, 1) + rest**2 / np.maximum(odd, 1) - y.sum() ** 2 / len(bits))
    return np.concatenate(found)


def _chunks(subsets: list[tuple[int, ...]], size: int) -> Iterator[list[tuple[int, ...]]]:
    for start in range(0, len(subsets), size):
        yield subsets[start : start + size]
