"""The learner of ``tree-structure``: the tree so far, and the boxes that are not finished."""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np

from mex.knowledge import Knowledge
from mex.learner import without_noise
from mex.toolkit.trees.builder import TreeBuilder, ids_of, threshold_between, tree_from_ids
from mex.toolkit.trees.grid import Grid
from mex.types import Array, Estimator, FloatArray
from mex_tree_structure.hulls import Hulls
from mex_tree_structure.region import Box, Plane, Region
from mex_tree_structure.search import Probe, best_gap, certify, eliminate, first_probe, narrow, span


@attrs.define(eq=False)
class Node:
    """A box of the tree: split by a plane, finished as part of a leaf, or open.

    Attributes:
        box: its rows.
        hulls: the hulls that may meet it.
        plane, children: the split, if any.
        leaf: the hull that fills it, if it is finished.
        size: how many features to move at once (:func:`.eliminate`).
    """

    box: Box
    hulls: set[int]
    plane: Plane | None = None
    children: tuple[Node, ...] = ()
    leaf: int | None = None
    size: int = 0

    def open(self) -> Iterator[Node]:
        """The open boxes among this and those below."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            waiting += reversed(node.children)
            if node.plane is None and node.leaf is None:
                yield node


class Recovery:
    """A learner that asks a row of each open box at a time, until all boxes are finished."""

    def __init__(
        self, known: Knowledge, rng: np.random.Generator, *, evidence: int, resolution: float, checks: int
    ) -> None:
        self._known = known
        self._rng = rng
        self._evidence = evidence
        self._checks = checks
        self._shown: dict[Any, Any] = {}
        self._hulls = Hulls(Grid(known.domain, resolution))
        self._root = Node(Box.whole(self._hulls), set())
        self._planes: list[list[Plane]] = [[] for _ in range(known.domain.n_features)]  # of each column, sorted
        self._probes: list[tuple[Node, Probe]] = []  # what to ask now
        self._guessed = False  # whether a box was finished by a guess
        self._checking = False  # whether what to ask now are the random rows
        self._agreed = 0  # how many random rows were answered as the tree says
        self._advance()

    @property
    def note(self) -> str:
        """Whether the tree is certified."""
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
        """A row for each open box, None when all are finished."""
        if not self._probes:
            return None
        return self._hulls.grid.rows(np.array([probe.row for _, probe in self._probes]))

    def tell(self, X: FloatArray, answers: Array) -> None:
        """Extend the hulls, and remove every plane that cuts one."""
        asked = self._probes[: len(answers)]
        rows, origins = np.array([probe.row for _, probe in asked]), [probe.hull for _, probe in asked]
        where = self._hulls.add(rows, ids_of(answers, self._shown), origins)
        for (node, probe), k in zip(asked, where, strict=True):
            node.size = 2 * probe.moved if k == probe.hull else max(1, probe.moved // 2)
        for k in sorted(set(where)):
            self._insert(self._root, k)
        self._agreed = len(answers) if self._checking else 0
        self._advance()
        self._check()

    def _check(self) -> None:
        """Once all boxes are finished, ask random rows; if these reopen a box, more are asked when it is finished.

        Not after a guess, which random rows could contradict without end.
        """
        self._checking = bool(self._checks) and not (self._probes or self._agreed or self._guessed)
        if self._checking:
            rows = self._known.domain.sample(self._checks, self._rng).astype(np.float32).astype(np.float64)
            rows = np.clip(rows, self._hulls.grid.lower, self._hulls.grid.upper)
            self._probes = [(self._root, Probe(row)) for row in rows]

    def _insert(self, node: Node, k: int) -> None:
        """Add a hull that has grown to the boxes it meets, and remove the planes that cut it."""
        node.hulls.add(k)
        if node.leaf not in (None, k):
            node.leaf = None  # a second hull in a finished box: see _advance
        sides = [child for child in node.children if self._meets(child.box, k)]
        if len(sides) > 1:  # the plane cuts a leaf; what was found below it is in the hulls
            node.plane, node.children, node.size = None, (), 0
        elif sides:
            self._insert(sides[0], k)

    def _meets(self, box: Box, k: int) -> bool:
        low, high = np.maximum(self._hulls.lower[k], box.lower), np.minimum(self._hulls.upper[k], box.upper)
        return bool((low <= high).all()) and all(high[group].any() for group in self._hulls.groups)

    def _advance(self) -> None:
        """Split the boxes that can be split, finish those inside one leaf, and find a row for each of the others."""
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
        """Deal with contradicting answers in a box; True if the tree has to be built again from the hulls."""
        overlap = region.overlap()
        changed = self._hulls.split_shared() or (overlap is not None and self._hulls.merge(*overlap[:2]))
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
        """A row to ask, a plane to split by, the hull that fills the box, or None if answers contradict each other."""
        if len(region.members) == 0:
            return first_probe(region, self._rng)
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
        """The tree so far; open boxes are split in the middle of the gaps between their hulls."""
        tree, hull_of = TreeBuilder(), dict[int, int]()
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
                    plane = best_gap(region, gaps)
                    children = self._halves(node, plane)
                else:
                    hull_of[at] = int(region.members[region.sizes.argmax()])
            elif node.leaf is not None:
                hull_of[at] = node.leaf
            if plane is not None:
                j, threshold = plane.column, threshold_between(plane.below, plane.above)
                waiting += zip(children, tree.split(at, j, threshold), strict=True)
        return tree_from_ids(tree, {leaf: self._hulls.ids[k] for leaf, k in hull_of.items()}, self._known, self._shown)
