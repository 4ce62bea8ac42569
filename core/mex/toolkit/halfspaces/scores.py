"""The scores of a linear model of several classes, assembled from the boundaries between pairs of classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import attrs
import numpy as np

from mex.types import FloatArray

Edge: TypeAlias = tuple[int, int]
"""A pair of classes, by index, the lower one first."""


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


def factors(steps: FloatArray, path: FloatArray, meetings: Sequence[Meeting]) -> tuple[FloatArray, int]:
    """Positive factors for the edges of the tree with which the two scores at every meeting are equal.

    Args:
        steps: the difference of scores over each edge, up to its factor, shape (edges, d + 1).
        path: the path to each class (:func:`signed_paths`).
        meetings: points at which two scores are equal.

    Returns:
        The factors, shape (edges,), and their degrees of freedom: 1 if they are determined, since the scores have no
        scale.
    """
    if len(steps) == 0:
        return np.ones(0), 1
    lengths = np.linalg.norm(steps, axis=1)
    at = np.array([np.append(meeting.point, 1.0) for meeting in meetings])
    first, second = np.array([meeting.edge for meeting in meetings]).T
    equations = (path[second] - path[first]) * (at @ (steps / lengths[:, None]).T)
    _, singular, right = np.linalg.svd(equations)
    free = np.append(singular, np.zeros(len(steps) - len(singular))) <= 1e-6 * max(1.0, float(np.abs(at).max()))
    free[-1] = True
    found = right[free].T @ (right[free] @ np.ones(len(steps)))
    if not (found > 0).all():
        found = np.ones(len(steps))
    return np.asarray(found / lengths), int(free.sum())


def assemble(
    classes: Sequence[int], meetings: Sequence[Meeting], differences: Mapping[Edge, FloatArray], count: int
) -> tuple[FloatArray, int]:
    """The affine scores of all classes, from their differences at the meetings.

    Args:
        classes: the classes seen, sorted.
        meetings: points between pairs of classes.
        differences: the difference of scores of a pair of classes, up to a positive factor, shape (d + 1,).
        count: how many classes there are.

    Returns:
        The scores, shape (count, d + 1), and how many of the factors are not determined by the meetings.
    """
    tree = [meeting.edge for meeting in spanning_tree(classes, meetings)]
    steps = np.array([differences[edge] for edge in tree])
    path = signed_paths(tree, classes, count)
    scale, free = factors(steps, path, meetings)
    scores = (path * scale) @ steps
    scores[[i for i in range(count) if i not in classes], -1] = -1e12  # never seen, so never answered
    return np.asarray(scores), free - 1
