"""The learner of ``tree-labels``."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from sklearn.tree import DecisionTreeClassifier

from mex import GeneratorLearner, Knowledge
from mex.learner import Steps
from mex.toolkit.checking.rows import natural
from mex.toolkit.estimators import constant
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
FIRST = 32
"""Rows like the data after which the leaves of the target are estimated, and again at each doubling."""
QUERIES_A_SPLIT = 32
"""What a threshold takes about, besides the checks of each leaf."""
DOUBLINGS = 3
"""Over so many doublings of the rows the growth of the leaves is extrapolated."""
DRY = 10
"""Draws in a row without a row that was not asked, after which there are none."""


class TreeLabelsLearner(GeneratorLearner):
    """Grows the tree again after each batch; what it lacks decides what is asked next."""

    def __init__(self, attack: TreeLabels, known: Knowledge, rng: np.random.Generator, thresholds: Thresholds) -> None:
        assert known.classes is not None
        self._attack = attack
        self._known = known
        self._rng = rng
        self._thresholds = thresholds
        self._classes = known.classes
        self._resolution = Resolution(domain=known.domain, eps=attack.eps)
        self._answers = Answers(known.domain.n_features)
        self._decisions: dict[bytes, Decision] = {}
        # By the key of a box: checks passed, searches failed, and whether no new probe can be asked.
        self._passed = Counter[bytes]()
        self._failed = Counter[bytes]()
        self._exhausted: set[bytes] = set()
        self._look = attack.look if known.rho == 0 else 1  # look-ahead takes long, and does not help to fit noise
        self._searching = False  # for the whole tree; else rows like the data are asked, and a fit to them is as good
        self.natural = 0  # how many of the rows at hand, the first, are like the data
        self.note = ""
        if known.rho != 0:
            self.note = "labels may be wrong here: tree-labels believes each one, majority-vote would ask again"

    def steps(self) -> Steps:
        """Ask rows like the data until the tree seems small enough for the budget, then search for all of it."""
        if self._known.budget is not None:
            yield from self._ask_until_small(self._known.budget)
        self._searching = True
        yield from self._search()
        if not self._searching:
            yield from self._ask_natural(sys.maxsize)

    def _ask_until_small(self, budget: int) -> Steps:
        """Ask rows like the data, up to the end of the budget as long as the tree takes more than is left of it."""
        n = FIRST
        while (asked := len(self._answers.y)) < budget:
            yield from self._ask_natural(n - asked)
            if len(self._answers.y) < n or not self._too_large(self._estimated_leaves(budget), n):
                return
            n *= 2

    def _estimated_leaves(self, budget: int) -> float:
        """The leaves of a tree fitted to as many rows as there are, as far as their growth so far tells."""
        n = len(self._answers.y)
        half, all_rows = (
            DecisionTreeClassifier(random_state=0).fit(self._answers.X[:m], self._answers.y[:m]).get_n_leaves()
            for m in (n // 2, n)
        )
        return float(all_rows * max(all_rows / half, 1.0) ** min(np.log2(budget / n), DOUBLINGS))

    def _too_large(self, leaves: float, spent: int = 0) -> bool:
        """Whether a tree of so many leaves takes more queries than the budget has after those ``spent`` otherwise."""
        budget = self._known.budget
        return budget is not None and QUERIES_A_SPLIT * (leaves - 1) + self._attack.checks * leaves > budget - spent

    def _ask_natural(self, n: int) -> Steps:
        """Ask ``n`` rows like the data, if there are so many."""
        dry = 0
        while n > 0 and dry < DRY:
            drawn = natural(self._known, min(n, MOST_PROBES), self._rng)
            rows = self._answers.missing(self._thresholds.grid.cast(drawn))
            dry = 0 if len(rows) else dry + 1
            n -= len(rows)
            self.natural = len(rows)
            yield from self._ask(rows, probe=False)
        self.natural = 0

    def _search(self) -> Steps:
        """Ask probes and rows of the pool, then whatever the tree lacks until it lacks nothing or is too large."""
        attack, box = self._attack, self._thresholds.box
        yield from self._ask(np.concatenate([corners(box, self._thresholds), self._probes(box, attack.start)]))
        pool = self._known.pool
        if pool is not None and attack.pool:
            budget = self._known.budget or 4 * attack.pool
            rows = pool[self._rng.permutation(len(pool))[: min(attack.pool, budget // 4)]]
            yield from self._ask(self._thresholds.grid.cast(rows), probe=False)
        while True:
            growth = self._grow(attack.patience, self._decisions)
            if self._too_large(growth.expected_leaves):
                self._searching = False
                return
            if growth.expected_leaves > attack.max_leaves:
                self._add_note(
                    f"more than {attack.max_leaves} leaves: no small tree, or labels that contradict each other"
                )
                return
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
            self._add_note(f"{len(growth.mixed)} leaves hold labels that contradict each other")
        else:
            self._add_note(
                f"each of {len(growth.leaves)} leaves passed {attack.checks} probes: what a share p of a leaf's probes"
                f" hits was missed with probability (1 - p)^{attack.checks}"
            )

    def _separate(self, mixed: Sequence[Leaf]) -> Steps:
        """Search for thresholds between rows of one leaf with different labels."""
        pairs = [
            opposite_pair(leaf.rows, self._answers, self._rng)
            for leaf in mixed
            for _ in range(2 if len(leaf.rows) > LARGE else 1)
        ]
        before = len(self._thresholds)
        X, y = self._answers.X, self._answers.y
        yield from self._find_thresholds([(X[i], X[j], int(y[i])) for i, j in pairs])
        if len(self._thresholds) == before:
            self._failed.update(leaf.box.key for leaf in mixed)

    def _sample(self, undersampled: Sequence[tuple[Leaf, int]]) -> Steps:
        """Ask probes of leaves that lack some, a part of them in pairs; search between pairs of different labels."""
        rows, pairs = [], []
        for leaf, lacking in undersampled:
            drawn = self._probes(leaf.box, min(lacking, MOST_PROBES))
            rows.append(drawn)
            if len(self._answers.missing(drawn)) == 0:
                self._exhausted.add(leaf.box.key)
            for row in drawn[: max(1, int(len(drawn) * PAIRED))]:
                pairs.append((row, self._probes(self._thresholds.cell(row, leaf.box), 1)[0]))
        yield from self._ask(np.concatenate(rows))
        first, second = (np.array(part) for part in zip(*pairs, strict=True))
        yield from self._ask(second, probe=False)
        a, b = self._answers.labels(first), self._answers.labels(second)
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
        return self._attack.checks - own - max(0, int(self._answers.is_probe[leaf.rows].sum()) - own) // 2

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
        X = self._answers.missing(X)
        if len(X):
            self._keep(X, (yield self._thresholds.grid.rows(X)), probe)

    def _ask_labels(self, X: FloatArray) -> Generator[FloatArray, Array, Array]:
        yield from self._ask(X, probe=False)
        return self._answers.labels(X)

    def _keep(self, X: FloatArray, answers: Array, probe: bool) -> None:
        self._answers.add(X, np.argmax(answers[:, None] == self._classes, axis=1), probe)

    def cut(self, X: FloatArray, answers: Array) -> None:
        """Keep the answers that the budget left; whether to probes does not matter any more."""
        self._keep(self._thresholds.grid.cast(X), answers, probe=False)

    def _add_note(self, sentence: str) -> None:
        self.note = "; ".join(filter(None, [self.note, sentence]))

    def hypothesis(self) -> Estimator:
        """The tree that fits the answers so far; as long as it is not searched for, their commonest label.

        So there the best fit to the answers is handed over (:class:`.SelfChecked`).
        """
        n_features = self._known.domain.n_features
        if not self._searching or len(self._answers.y) == 0:
            return constant(self._classes[np.bincount(self._answers.y, minlength=1).argmax()], n_features)
        growth = self._grow(patience=0, decisions=dict(self._decisions))
        labels = {leaf.node: self._classes[leaf.label] for leaf in growth.leaves}
        return growth.tree.build(labels, n_features, classes=self._classes)

    def _grow(self, patience: int, decisions: dict[bytes, Decision]) -> Growth:
        return grow(
            self._thresholds,
            self._answers.X,
            self._answers.y,
            look=self._look,
            patience=patience,
            probe=self._answers.is_probe,
            exhausted=self._exhausted,
            decisions=decisions,
        )
