"""The tree so far, and the boxes still open."""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np

from mex.knowledge import Knowledge
from mex.learner import without_noise
from mex.toolkit.trees.branches import Branches, from_ids, ids_of, threshold_between
from mex.toolkit.trees.grid import Grid
from mex.types import Array, Estimator, FloatArray
from mex_tree_structure.hulls import Hulls
from mex_tree_structure.region import Box, Plane, Region
from mex_tree_structure.search import Probe, anywhere, certify, eliminate, favourite, narrow, span


@attrs.define(eq=False)
class Node:
    """A box of the tree: split by a plane, closed as part of a leaf, or open.

    ``hulls`` holds all that may meet it; ``size`` is how many features to push at once.
    """

    box: Box
    hulls: set[int]
    plane: Plane | None = None
    children: tuple[Node, ...] = ()
    leaf: int | None = None
    size: int = 0

    def open(self) -> Iterator[Node]:
        """The open boxes below."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            waiting += reversed(node.children)
            if node.plane is None and node.leaf is None:
                yield node


class Recovery:
    """A learner that closes box after box; the open ones are asked about side by side."""

    def __init__(
        self, known: Knowledge, rng: np.random.Generator, *, evidence: int, resolution: float, checks: int
    ) -> None:
        self._known, self._rng, self._evidence, self._checks = known, rng, evidence, checks
        self._shown: dict[Any, Any] = {}
        self._hulls = Hulls(Grid(known.domain, resolution))
        self._root = Node(Box.whole(self._hulls), set())
        self._planes: list[list[Plane]] = [[] for _ in range(known.domain.n_features)]
        self._probes: list[tuple[Node, Probe]] = []
        self._guessed = False
        self._checking, self._agreed = False, 0
        self._choose()

    @property
    def note(self) -> str:
        """Whether the tree is certain."""
        if self._known.rho != 0:
            return without_noise("tree-structure", self._known.rho)
        if self._guessed:
            return "not certified: some leaves answer alike, and were told apart by guess: passive may be nearer"
        if self._probes and not self._checking:
            return f"not certified: {len(self._probes)} boxes were not searched to the end"
        agreed = f"; {self._agreed} random rows agreed" if self._agreed else ""
        if self._hulls.shared:
            return f"not certified: some leaves answer alike{agreed}"
        return f"certified, if no two leaves answer alike: each box of the tree lies in one leaf{agreed}"

    def ask(self) -> FloatArray | None:
        """A row for each open box, None when all are closed."""
        if not self._probes:
            return None
        return self._hulls.grid.rows(np.array([probe.row for _, probe in self._probes]))

    def tell(self, X: FloatArray, answers: Array) -> None:
        """Let the hulls grow, and take back every plane that cuts one."""
        asked = self._probes[: len(answers)]
        rows, origins = np.array([probe.row for _, probe in asked]), [probe.hull for _, probe in asked]
        where = self._hulls.add(rows, ids_of(answers, self._shown), origins)
        for (node, probe), k in zip(asked, where, strict=True):
            node.size = 2 * probe.pushed if k == probe.hull else max(1, probe.pushed // 2)
        for k in sorted(set(where)):
            self._touch(self._root, k)
        self._agreed = len(answers) if self._checking else 0
        self._choose()
        self._check()

    def _check(self) -> None:
        """Once all boxes are closed, ask at random: where that reopens one, the search goes on to a check of its own.

        Not after a guess, which one row after the other could contradict without end.
        """
        self._checking = bool(self._checks) and not (self._probes or self._agreed or self._guessed)
        if self._checking:
            rows = self._known.domain.sample(self._checks, self._rng).astype(np.float32).astype(np.float64)
            rows = np.clip(rows, self._hulls.grid.lower, self._hulls.grid.upper)
            self._probes = [(self._root, Probe(row)) for row in rows]

    def _touch(self, node: Node, k: int) -> None:
        """Bring a hull that has grown to the boxes it meets."""
        node.hulls.add(k)
        if node.leaf not in (None, k):
            node.leaf = None  # two leaves in a box that one of them fills: see _choose
        sides = [child for child in node.children if self._meets(child.box, k)]
        if len(sides) > 1:  # the plane cuts a leaf, so it was the wrong one; what was found below is in the hulls
            node.plane, node.children, node.size = None, (), 0
        elif sides:
            self._touch(sides[0], k)

    def _meets(self, box: Box, k: int) -> bool:
        low, high = np.maximum(self._hulls.lower[k], box.lower), np.minimum(self._hulls.upper[k], box.upper)
        return bool((low <= high).all()) and all(high[group].any() for group in self._hulls.groups)

    def _choose(self) -> None:
        """Split what can be split, close what is one leaf, and find a row for each box that stays open."""
        self._probes, waiting = [], list(self._root.open())
        while waiting:
            node = waiting.pop()
            region = self._region(node)
            step = self._step(node, region)
            if isinstance(step, Probe):
                self._probes.append((node, step))
            elif isinstance(step, Plane):
                node.hulls = set(region.members.tolist())
                waiting += self._split(node, step)
            elif step is not None:
                node.leaf = step
            elif self._reconcile(node, region):
                waiting = [self._root]

    def _reconcile(self, node: Node, region: Region) -> bool:
        """Deal with a box in which answers contradict each other; True if the tree has to be put together anew.

        That costs no row: what was found is in the hulls.
        """
        overlap = region.overlap()
        changed = self._hulls.part() or (overlap is not None and self._hulls.join(*overlap[:2]))
        if changed:
            self._root = Node(self._root.box, set(range(len(self._hulls.ids))))
            self._probes = []
        elif overlap is not None and self._hulls.ids[overlap[0]] != self._hulls.ids[overlap[1]]:
            self._probes.append((node, Probe(overlap[2])))
        else:
            node.leaf = int(region.members[region.sizes.argmax()])
            self._guessed = True
        return changed

    def _step(self, node: Node, region: Region) -> Probe | Plane | int | None:
        """A row to ask, a plane to split by, the hull that fills the box, or None at a contradiction."""
        if len(region.members) == 0:
            return anywhere(region, self._rng)
        if len(region.members) == 1:
            return int(region.members[0]) if region.covered() else certify(region, self._rng)
        gaps = region.gaps()
        if len(gaps) == 0:
            return None
        if probe := span(region, self._rng):
            return probe
        if len(gaps) > 1 and (probe := eliminate(region, gaps, node.size, self._evidence, self._rng)):
            return probe
        return narrow(region, gaps, self._planes, self._rng)

    def _split(self, node: Node, plane: Plane) -> tuple[Node, ...]:
        known = self._planes[plane.column]
        if plane not in known:
            bisect.insort(known, plane, key=lambda other: other.below)
        node.plane, node.children = plane, self._halves(node, plane)
        return node.children

    def _halves(self, node: Node, plane: Plane) -> tuple[Node, ...]:
        return tuple(Node(box, set(node.hulls)) for box in node.box.split(self._hulls, plane))

    def _region(self, node: Node) -> Region:
        return Region(self._hulls, node.box, np.array(sorted(node.hulls), dtype=int))

    def hypothesis(self) -> Estimator:
        """The tree so far; an open box is shared between its leaves in the middle of the gaps."""
        tree, hull_of = Branches(), dict[int, int]()
        waiting = [(self._root, 0)]
        while waiting:
            node, at = waiting.pop()
            plane, children = node.plane, node.children
            if plane is None and node.leaf is None:
                region = self._region(node)
                if len(region.members) == 0:
                    break
                gaps = region.gaps()
                if len(gaps):
                    plane = favourite(region, gaps)
                    children = self._halves(node, plane)
                else:
                    hull_of[at] = int(region.members[region.sizes.argmax()])
            elif node.leaf is not None:
                hull_of[at] = node.leaf
            if plane is not None:
                j, threshold = plane.column, threshold_between(plane.below, plane.above)
                waiting += zip(children, tree.split(at, j, threshold), strict=True)
        return from_ids(tree, {leaf: self._hulls.ids[k] for leaf, k in hull_of.items()}, self._known, self._shown)
