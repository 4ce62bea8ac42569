"""The search for a whole tree from labels: what the tree over the answers lacks decides what is asked next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mex import Knowledge
from mex.learner import Steps
from mex.toolkit.generators import lockstep, relay
from mex.toolkit.trees.growth import Decision, Growth, Leaf, grow
from mex.toolkit.trees.threshold_search import Resolution, find_threshold
from mex.toolkit.trees.thresholds import Box, Thresholds
from mex.types import Array, Estimator, FloatArray
from mex_tree_labels.answers import Answers, corners, opposite_pair, probes

if TYPE_CHECKING:
    from mex_tree_labels.attack import TreeLabels

MOST_PROBES = 64
"""The most probes that are asked for a box with too few of them at a time."""
CHECKS_AT_ONCE = 6
"""Probes that are asked to check a leaf at a time: a leaf with other labels mostly shows one of them."""
PAIRED = 1 / 3
"""The share of those probes that are paired with a row that no known threshold separates from them."""
ATTEMPTS = 3
"""Failed searches between the rows of a mixed leaf after which its labels count as contradicting each other."""
LARGE = 12
"""A mixed leaf with more rows is searched twice at a time."""
QUERIES_A_SPLIT = 32
"""What a threshold takes about, besides the checks of each leaf."""


class TreeSearch:
    """Grows a tree over all answers again after each batch, until each of its leaves is pure and checked.

    Attributes:
        answers: all that were told, those to rows of others included.
        found: the share of the leaves expected that is known; 0 before the search.
        note: how it ended.
    """

    def __init__(self, attack: TreeLabels, known: Knowledge, rng: np.random.Generator, thresholds: Thresholds) -> None:
        assert known.classes is not None
        self.answers = Answers(known.domain.n_features)
        self.found = 0.0
        self.note = ""
        self._attack = attack
        self._known = known
        self._rng = rng
        self._thresholds = thresholds
        self._classes = known.classes
        self._resolution = Resolution(domain=known.domain, eps=attack.eps)
        self._decisions: dict[bytes, Decision] = {}
        # By the key of a box: checks passed, searches failed, and whether no new probe can be asked.
        self._passed = Counter[bytes]()
        self._failed = Counter[bytes]()
        self._exhausted: set[bytes] = set()
        self._look = attack.look if known.rho == 0 else 1  # look-ahead takes long, and does not help to fit noise

    def queries(self, leaves: float) -> float:
        """About how many queries a tree of so many leaves takes."""
        return QUERIES_A_SPLIT * (leaves - 1) + self._attack.checks * leaves

    def steps(self) -> Generator[FloatArray, Array, bool]:
        """Ask probes and rows of the pool, then whatever the tree lacks; return whether the budget is enough for it."""
        attack, box = self._attack, self._thresholds.box
        yield from self._ask(np.concatenate([corners(box, self._thresholds), self._probes(box, attack.start)]))
        pool = self._known.pool
        if pool is not None and attack.pool:
            budget = self._known.budget or 4 * attack.pool
            rows = pool[self._rng.permutation(len(pool))[: min(attack.pool, budget // 4)]]
            yield from self._ask(self._thresholds.grid.cast(rows), probe=False)
        while True:
            growth = self._grow(attack.patience, self._decisions)
            lacking = len(growth.mixed) + len(growth.undersampled)
            self.found = (len(growth.leaves) - lacking) / growth.expected_leaves
            if self._known.budget is not None and self.queries(growth.expected_leaves) > self._known.budget:
                return False
            if growth.expected_leaves > attack.max_leaves:
                self.note = f"more than {attack.max_leaves} leaves: no small tree, or labels that contradict each other"
                return True
            mixed = [leaf for leaf in growth.mixed if self._failed[leaf.box.key] < ATTEMPTS]
            unchecked = [(leaf, n) for leaf in growth.leaves if (n := self._missing_checks(leaf)) > 0]
            if mixed:
                yield from self._separate(mixed)
            elif growth.undersampled:
                yield from self._sample(growth.undersampled)
            elif unchecked:
                yield from self._check(unchecked)
            else:
                break
        if growth.mixed:
            self.note = f"{len(growth.mixed)} leaves hold labels that contradict each other"
        else:
            self.note = (
                f"each of {len(growth.leaves)} leaves passed {attack.checks} probes: what a share p of a leaf's probes"
                f" hits was missed with probability (1 - p)^{attack.checks}"
            )
        self.found = 1.0
        return True

    def _separate(self, mixed: Sequence[Leaf]) -> Steps:
        """Search for thresholds between rows of one leaf with different labels."""
        pairs = [
            opposite_pair(leaf.rows, self.answers, self._rng)
            for leaf in mixed
            for _ in range(2 if len(leaf.rows) > LARGE else 1)
        ]
        before = len(self._thresholds)
        X, y = self.answers.X, self.answers.y
        yield from self._find_thresholds([(X[i], X[j], int(y[i])) for i, j in pairs])
        if len(self._thresholds) == before:
            self._failed.update(leaf.box.key for leaf in mixed)

    def _sample(self, undersampled: Sequence[tuple[Leaf, int]]) -> Steps:
        """Ask probes of leaves that lack some, a part of them in pairs; search between pairs of different labels."""
        rows, pairs = [], []
        for leaf, lacking in undersampled:
            drawn = self._probes(leaf.box, min(lacking, MOST_PROBES))
            rows.append(drawn)
            if len(self.answers.missing(drawn)) == 0:
                self._exhausted.add(leaf.box.key)
            for row in drawn[: max(1, int(len(drawn) * PAIRED))]:
                pairs.append((row, self._probes(self._thresholds.cell(row, leaf.box), 1)[0]))
        yield from self._ask(np.concatenate(rows))
        first, second = (np.array(part) for part in zip(*pairs, strict=True))
        yield from self._ask(second, probe=False)
        a, b = self.answers.labels(first), self.answers.labels(second)
        yield from self._find_thresholds([(first[i], second[i], int(a[i])) for i in np.flatnonzero(a != b)])

    def _check(self, unchecked: Sequence[tuple[Leaf, int]]) -> Steps:
        """Probe leaves that lack checks; at first also their corners."""
        rows = []
        for leaf, lacking in unchecked:
            key = leaf.box.key
            if key not in self._passed:
                rows.append(corners(leaf.box, self._thresholds))
            n = min(lacking, CHECKS_AT_ONCE)
            rows.append(self._probes(leaf.box, n))
            self._passed[key] += n
        yield from self._ask(np.concatenate(rows))

    def _missing_checks(self, leaf: Leaf) -> int:
        """How many probes a leaf has yet to pass; probes of larger boxes that fell into it count half."""
        if (leaf.box.lower == leaf.box.upper).all():
            return 0
        own = self._passed[leaf.box.key]
        return self._attack.checks - own - max(0, int(self.answers.is_probe[leaf.rows].sum()) - own) // 2

    def _probes(self, box: Box, n: int) -> FloatArray:
        return probes(box, self._thresholds, n, self._rng)

    def _find_thresholds(self, pairs: Iterable[tuple[FloatArray, FloatArray, int]]) -> Steps:
        """Search between pairs of rows side by side, given the label of the first of each."""
        searches = [
            find_threshold(self._thresholds, one, other, label, self._rng, self._resolution)
            for one, other, label in pairs
        ]
        yield from relay(lockstep(searches), self._ask_labels)

    def _ask(self, X: FloatArray, probe: bool = True) -> Steps:
        """Ask the rows that were not asked before."""
        X = self.answers.missing(X)
        if len(X):
            self.keep(X, (yield self._thresholds.grid.rows(X)), probe=probe)

    def _ask_labels(self, X: FloatArray) -> Generator[FloatArray, Array, Array]:
        yield from self._ask(X, probe=False)
        return self.answers.labels(X)

    def keep(self, X: FloatArray, answers: Array, *, probe: bool = False) -> None:
        """Take answers to rows, as the target casts them."""
        self.answers.add(X, np.argmax(answers[:, None] == self._classes, axis=1), probe)

    def tree(self) -> Estimator:
        """The tree that fits the answers so far."""
        growth = self._grow(patience=0, decisions=dict(self._decisions))
        labels = {leaf.node: self._classes[leaf.label] for leaf in growth.leaves}
        return growth.tree.build(labels, self._known.domain.n_features, classes=self._classes)

    def _grow(self, patience: int, decisions: dict[bytes, Decision]) -> Growth:
        return grow(
            self._thresholds,
            self.answers.X,
            self.answers.y,
            look=self._look,
            patience=patience,
            probe=self.answers.is_probe,
            exhausted=self._exhausted,
            decisions=decisions,
        )
