"""The scores of a linear model of several classes, assembled from the boundaries between pairs of classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import attrs
import numpy as np

from mex.types import Array, FloatArray

Edge: TypeAlias = tuple[int, int]
"""A pair of classes, by index, the lower one first."""

CLEAR = 1e-3
"""How large a singular value of the equations is, as a share of the largest, that is not the work of small errors."""


@attrs.frozen(eq=False)
class Meeting:
    """A point on the boundary between two classes."""

    edge: Edge
    point: FloatArray


def spanning_tree(classes: Iterable[int], meetings: Sequence[Meeting]) -> list[Meeting]:
    """One meeting per edge of a spanning tree of the classes; a spanning forest if they are not connected."""
    root = {i: i for i in classes}
    tree = []
    for meeting in meetings:
        a, b = meeting.edge
        if root[a] != root[b]:
            tree.append(meeting)
            root = {i: root[a] if r == root[b] else r for i, r in root.items()}
    return tree


def signed_paths(tree: Sequence[Edge], classes: Sequence[int], count: int) -> FloatArray:
    """The edges on the path in the tree from the lowest of ``classes`` to each of ``count`` classes.

    Shape (count, edges): 1 for an edge passed from its first class to its second, -1 for one passed the other way,
    else 0.
    """
    path = np.zeros((count, len(tree)))
    reached = {min(classes)}
    while any((a in reached) != (b in reached) for a, b in tree):
        for e, (a, b) in enumerate(tree):
            if (a in reached) != (b in reached):
                new, old, sign = (b, a, 1.0) if a in reached else (a, b, -1.0)
                path[new], path[new, e] = path[old], sign
                reached.add(new)
    return path


@attrs.frozen(eq=False)
class Assembled:
    """The affine scores of all classes.

    Attributes:
        scores: weights and intercepts, shape (classes, d + 1).
        undetermined: of how many of the numbers that put them together nothing is known.
    """

    scores: FloatArray
    undetermined: int


def assemble(
    classes: Sequence[int],
    meetings: Sequence[Meeting],
    differences: Mapping[Edge, FloatArray],
    count: int,
    discrete: Array,
) -> Assembled:
    """The affine scores of all classes, from their differences at the meetings.

    Over an edge of a spanning tree the difference is known up to a positive factor, and but for the weights of discrete
    columns. Factors and weights are those with which the two scores at every meeting are equal; since scores have no
    scale, one degree of freedom is left. Where more is, factors are near 1 and weights near 0.

    Args:
        classes: the classes seen, sorted.
        meetings: points between pairs of classes.
        differences: the difference of scores of a pair of classes, up to a positive factor, shape (d + 1,).
        count: how many classes there are.
        discrete: the columns whose weights no difference tells.
    """
    tree = spanning_tree(classes, meetings)
    if not tree:
        return Assembled(np.zeros((count, 1)), len(classes) - 1)
    steps = np.array([differences[meeting.edge] for meeting in tree])
    path = signed_paths([meeting.edge for meeting in tree], classes, count)
    scale, weights, undetermined = _solve(steps, path, tree, meetings, discrete)
    scores = (path * scale) @ steps
    scores[:, discrete] += weights
    first, second = np.array([meeting.edge for meeting in tree]).T
    at = np.array([meeting.point[discrete] for meeting in tree])
    scores[:, -1] -= path @ ((weights[second] - weights[first]) * at).sum(axis=1)
    scores[[i for i in range(count) if i not in classes], -1] = -1e12  # never seen, so never answered
    return Assembled(np.asarray(scores), undetermined + len(classes) - 1 - len(tree))


def _solve(
    steps: FloatArray, path: FloatArray, tree: Sequence[Meeting], meetings: Sequence[Meeting], discrete: Array
) -> tuple[FloatArray, FloatArray, int]:
    """The factors of the edges, the weights of the discrete columns for each class, and what is not determined."""
    count, m = len(path), len(discrete)
    lengths = np.linalg.norm(steps, axis=1)
    of_edge = {meeting.edge: meeting.point[discrete] for meeting in tree}
    # Another point of an edge of the tree in the same context says what is known, but for errors.
    telling = [
        one
        for one in meetings
        if (one.point[discrete] != of_edge.get(one.edge, np.inf)).any() or one.edge not in of_edge
    ]
    if not telling:
        return 1 / lengths, np.zeros((count, m)), len(steps) * (1 + m) - 1
    at = np.array([np.append(meeting.point, 1.0) for meeting in telling])
    first, second = np.array([meeting.edge for meeting in telling]).T
    across = path[second] - path[first]  # the edges between the two classes of each meeting
    equations = across * (at @ (steps / lengths[:, None]).T)
    # A class's weights are the sum over its path of those of the edges, each times how far the row is from its meeting.
    away = at[:, None, discrete] - np.array(list(of_edge.values()))
    size = np.maximum(np.abs(away).max(axis=(0, 1)), 1.0)
    away = away / size
    equations = np.hstack([equations, (across[:, :, None] * away).reshape(len(at), -1)])
    _, singular, right = np.linalg.svd(equations)
    free = np.append(singular, np.zeros(len(right) - len(singular))) <= CLEAR * singular.max(initial=0.0)
    free[-1] = True
    wanted = np.append(np.ones(len(steps)), np.zeros(len(steps) * m))
    found = right[free].T @ (right[free] @ wanted)
    if not (found[: len(steps)] > 0).all():
        found = wanted
    weights = path @ (found[len(steps) :].reshape(len(steps), m) / size)
    return np.asarray(found[: len(steps)] / lengths), np.asarray(weights), int(free.sum()) - 1
