"""The scores of a linear model of several classes, put together from where pairs of classes meet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import attrs
import numpy as np

from mex.types import FloatArray

Edge: TypeAlias = tuple[int, int]


@attrs.frozen(eq=False)
class Meeting:
    """A point where two classes, by index, meet."""

    edge: Edge
    point: FloatArray


def spanning_tree(classes: Iterable[int], meetings: Sequence[Meeting]) -> list[Meeting]:
    """One meeting per edge of a spanning tree of the classes (a forest, if they do not all hang together)."""
    root = {i: i for i in classes}
    tree = []
    for meeting in meetings:
        a, b = meeting.edge
        if root[a] != root[b]:
            tree.append(meeting)
            root = {i: root[a] if r == root[b] else r for i, r in root.items()}
    return tree


def paths(tree: Sequence[Edge], classes: Sequence[int], count: int) -> FloatArray:
    """The way to each class, shape (count, edges): 1 if its score is reached over an edge forwards, -1 if backwards."""
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
    """Positive factors of the tree's edges that make two scores equal at every meeting, and how free they are.

    ``steps`` are the differences of scores over the edges up to a factor, shape (edges, d + 1). The scores
    have no scale of their own, so one degree of freedom is what a full set of meetings leaves.
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
    """The affine scores of ``count`` classes, shape (count, d + 1), and how many factors are a guess."""
    tree = [meeting.edge for meeting in spanning_tree(classes, meetings)]
    steps = np.array([differences[edge] for edge in tree])
    path = paths(tree, classes, count)
    scale, free = factors(steps, path, meetings)
    scores = (path * scale) @ steps
    scores[[i for i in range(count) if i not in classes], -1] = -1e12  # never seen, so never answered
    return np.asarray(scores), free - 1
