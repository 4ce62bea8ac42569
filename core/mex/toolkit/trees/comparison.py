"""The exact comparison of two axis-parallel trees, by the intersections of the boxes of their leaves.

It reads the nodes of a target, so it is for tests and benchmarks, not for attacks. scikit-learn casts rows to float32
and goes left where ``x <= threshold``: two thresholds with no float32 number between them are the same.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import numpy as np

from mex.domain import Domain
from mex.toolkit.trees.grid import LARGEST
from mex.types import Array, Estimator, FloatArray

PAIRS = 1 << 22
"""The most intervals (pairs of leaves times features) in memory at once."""


@attrs.frozen
class Leaves:
    """The leaves of a tree that meet a domain.

    Attributes:
        lower, upper: their boxes ``lower < x <= upper``, on float32 numbers, shape (n, d).
        node: their numbers, shape (n,).
        answer: their labels or values, shape (n,).
    """

    lower: FloatArray
    upper: FloatArray
    node: Array
    answer: Array


def leaves(estimator: Estimator, domain: Domain) -> Leaves:
    """The leaves of a fitted scikit-learn tree that rows of ``domain`` fall into."""
    tree = estimator.tree_
    threshold = _round_down(tree.threshold)
    found: list[tuple[FloatArray, FloatArray, int]] = []
    below: FloatArray = np.nextafter(domain.lower.astype(np.float32), np.float32(-np.inf)).astype(np.float64)
    waiting: list[tuple[int, FloatArray, FloatArray]] = [(0, below, domain.upper.astype(np.float32).astype(np.float64))]
    while waiting:
        node, lower, upper = waiting.pop()
        if not _share(lower[None], upper[None], domain)[0][0]:
            continue
        if tree.children_left[node] < 0:
            found.append((lower, upper, node))
            continue
        i, t = tree.feature[node], threshold[node]
        left, right = upper.copy(), lower.copy()
        left[i], right[i] = min(upper[i], t), max(lower[i], t)
        waiting += [(tree.children_right[node], right, upper), (tree.children_left[node], lower, left)]
    nodes = np.array([n for _, _, n in found])
    values = tree.value[nodes, 0]
    answer = estimator.classes_[values.argmax(axis=1)] if hasattr(estimator, "classes_") else values[:, 0]
    return Leaves(np.array([low for low, _, _ in found]), np.array([up for _, up, _ in found]), nodes, answer)


def disagreement(one: Estimator, other: Estimator, domain: Domain) -> float:
    """The share of a bounded domain, by volume (by rows where it is discrete), on which two trees answer differently.

    >>> from mex.toolkit.trees.builder import TreeBuilder
    >>> left, right = TreeBuilder(), TreeBuilder()
    >>> trees = [b.build(dict(zip(b.split(0, 0, t), "ab")), 2) for b, t in ((left, 0.25), (right, 0.5))]
    >>> disagreement(*trees, Domain([0, 0], [1, 1]))
    0.25
    """
    return sum(float(share[a.answer != b.answer].sum()) for a, b, share in _overlaps(one, other, domain))


def equal(one: Estimator, other: Estimator, domain: Domain) -> bool:
    """Whether two trees answer alike on every row of the domain, in float32 numbers."""
    return all(bool(np.all(a.answer == b.answer)) for a, b, _ in _overlaps(one, other, domain))


def refines(one: Estimator, other: Estimator, domain: Domain) -> bool:
    """Whether every leaf of ``one`` lies in a single leaf of ``other``."""
    pairs = {(int(i), int(j)) for a, b, _ in _overlaps(one, other, domain) for i, j in zip(a.node, b.node, strict=True)}
    return len(pairs) == len({i for i, _ in pairs})


def _overlaps(one: Estimator, other: Estimator, domain: Domain) -> Iterator[tuple[Leaves, Leaves, FloatArray]]:
    """Pairs of leaves that share a row of the domain, and the share of the domain in both."""
    a, b = leaves(one, domain), leaves(other, domain)
    step = max(1, PAIRS // b.lower.size)
    for start in range(0, len(a.node), step):
        rows = slice(start, start + step)
        lower = np.maximum(a.lower[rows, None], b.lower).reshape(-1, domain.n_features)
        upper = np.minimum(a.upper[rows, None], b.upper).reshape(-1, domain.n_features)
        meet, share = _share(lower, upper, domain)
        i, j = np.divmod(np.flatnonzero(meet), len(b.node))
        yield _take(a, start + i), _take(b, j), share[meet]


def _take(leaves: Leaves, index: Array) -> Leaves:
    return Leaves(*(part[index] for part in attrs.astuple(leaves, recurse=False)))


def _share(lower: FloatArray, upper: FloatArray, domain: Domain) -> tuple[Array, FloatArray]:
    """Which boxes ``lower < x <= upper`` hold rows of the domain, and their share of it, shape (n,)."""
    first, last = (np.clip(bound, -LARGEST, LARGEST) for bound in (domain.lower, domain.upper))
    width = np.where(last > first, last - first, 1)
    fraction = np.clip((np.minimum(upper, last) - np.maximum(lower, first)) / width, 0, 1)
    fraction[:, last == first] = 1
    whole = np.floor(np.minimum(upper, last)) - np.floor(np.maximum(lower, first - 1))
    fraction[:, domain.integer] = (whole / np.floor(last - first + 1))[:, domain.integer]
    meet = lower < upper
    meet[:, domain.integer] = whole[:, domain.integer] > 0
    for group in map(list, domain.groups):
        off, on = (lower[:, group] < 0) & (upper[:, group] >= 0), (lower[:, group] < 1) & (upper[:, group] >= 1)
        others_off = off.sum(axis=1, keepdims=True) - off == len(group) - 1
        categories = (on & others_off).sum(axis=1)
        meet[:, group] = (categories > 0)[:, None]
        fraction[:, group] = 1
        fraction[:, group[0]] = categories / len(group)
    return np.asarray(meet.all(axis=1)), np.asarray(fraction.prod(axis=1))


def _round_down(values: FloatArray) -> FloatArray:
    """The largest float32 numbers not above ``values``."""
    near = values.astype(np.float32)
    return np.where(near > values, np.nextafter(near, np.float32(-np.inf)), near).astype(np.float64)
