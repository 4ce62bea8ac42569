"""Recovering a decision tree from its labels alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

import attrs
import numpy as np

from mex import GeneratorLearner, Knowledge, Learner, Scope
from mex.learner import Steps
from mex.params import between, doc, whole
from mex.toolkit.estimators import constant
from mex.toolkit.trees.growth import Decision, Growth, Leaf, grow
from mex.toolkit.trees.thresholds import Box, Thresholds
from mex.toolkit.trees.walks import Resolution, together, walk
from mex.types import Array, Estimator, FloatArray
from mex_tree_labels.facts import Facts, corners, opposite, probes

MOST = 64
"""The most probes for one box at a time."""
BATCH = 6
"""Probes of a leaf at a time: most leaves that are not pure show it at once."""
MATES = 1 / 3
"""The share of a thin box's probes that get a mate, a row in the same cell of all known thresholds."""
ATTEMPTS = 3
"""How many walks may end without a threshold before a box's labels count as contradictory."""


@attrs.frozen(kw_only=True)
class TreeLabels:
    """Find every threshold by walks, and the smallest tree over them that fits; probe its leaves until all are pure.

    A walk between two rows of different labels gives one feature and its threshold, exact to neighbouring float32
    numbers (to the whole number, to the category), for log2 d + b questions. The rows asked so far choose
    the structure at no cost: the tree with the fewest leaves. Where they are too few to choose by, more are
    asked in that box, some with a *mate* in the same cell of known thresholds: if their labels differ, a
    threshold is missing. Each leaf is probed at its corners, its known thresholds and inside; a probe
    with another label is walked back from. All boxes of a round ask at once.

    It ends when each leaf has passed ``checks`` probes, so labels alone certify nothing wholly: what a leaf may hide
    is what so many probes miss. Labels must be right: under noise it belongs inside majority-vote.

    >>> import mex
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from mex.toolkit.trees.comparison import disagreement
    >>> X, y = load_iris(return_X_y=True)
    >>> tree, domain = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, y), mex.Domain.of(X)
    >>> oracle = mex.Oracle(mex.FittedTarget.wrap(tree, domain=domain))
    >>> stolen = mex.extract(oracle, TreeLabels().learner(oracle.knowledge(), np.random.default_rng(0)))
    >>> int(stolen.hypothesis.get_n_leaves()), disagreement(stolen.hypothesis, tree, domain)
    (4, 0.0)
    """

    eps: float = attrs.field(
        default=0.0,
        validator=between(0, 0.1),
        metadata=doc("how far apart the sides of a threshold may be, as a share of its range; 0 is float32"),
    )
    checks: int = attrs.field(default=48, validator=whole(1), metadata=doc("probes that each leaf has to pass"))
    start: int = attrs.field(default=64, validator=whole(1), metadata=doc("probes of the whole domain to begin with"))
    pool: int = attrs.field(default=200, validator=whole(0), metadata=doc("rows of the pool to ask, if there is one"))
    patience: int = attrs.field(
        default=8, validator=whole(1), metadata=doc("probes in a box, per leaf that it promises, to choose a split by")
    )
    look: int = attrs.field(
        default=40, validator=whole(1), metadata=doc("thresholds that are tried out for each split, best gain first")
    )
    max_leaves: int = attrs.field(
        default=500, validator=whole(1), metadata=doc("give up, with the tree so far, when it takes more leaves")
    )

    scope: ClassVar[Scope] = Scope(tasks=("binary", "multiclass"), families=("tree",), answers="label")
    paper: ClassVar[str] = "ours; after the path finding of Tramèr et al. 2016 and the influences of Blanc et al. 2021"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start; refuses a domain without bounds."""
        return _TreeLabels(self, knowledge, rng, Thresholds(knowledge.domain))


class _TreeLabels(GeneratorLearner):
    def __init__(self, attack: TreeLabels, known: Knowledge, rng: np.random.Generator, found: Thresholds) -> None:
        assert known.classes is not None
        self._attack, self._known, self._rng, self._thresholds = attack, known, rng, found
        self._classes = known.classes
        self._resolution = Resolution(domain=known.domain, eps=attack.eps)
        self._facts = Facts(known.domain.n_features)
        self._decisions: dict[bytes, Decision] = {}
        self._passed: dict[bytes, int] = {}
        self._failed: dict[bytes, int] = {}
        self._exhausted: set[bytes] = set()
        self.note = ""
        self._look = attack.look if known.rho == 0 else 1  # looking ahead for what fits noise is long and no use
        if known.rho != 0:
            self.note = "labels may be wrong here: tree-labels believes each one, majority-vote would ask again"

    def steps(self) -> Steps:
        """Yield rows; keep what was answered."""
        attack, box = self._attack, self._thresholds.box
        yield from self._ask(np.concatenate([corners(box, self._thresholds), self._probes(box, attack.start)]))
        pool = self._known.pool
        if pool is not None and attack.pool:
            budget = self._known.budget or 4 * attack.pool
            rows = pool[self._rng.permutation(len(pool))[: min(attack.pool, budget // 4)]]
            yield from self._ask(self._thresholds.grid.cast(rows), probe=False)
        while True:
            growth = self._grow(attack.patience, self._decisions)
            if growth.promised > attack.max_leaves:
                self._say(f"more than {attack.max_leaves} leaves: no small tree, or labels that contradict each other")
                return
            mixed = [leaf for leaf in growth.mixed if self._failed.get(leaf.box.key, 0) < ATTEMPTS]
            unsure = [(leaf, n) for leaf in growth.leaves if (n := self._unchecked(leaf)) > 0]
            if mixed:
                yield from self._tell_apart(mixed)
            elif growth.thin:
                yield from self._thicken(growth.thin)
            elif unsure:
                yield from self._check(unsure)
            else:
                break
        if growth.mixed:
            self._say(f"{len(growth.mixed)} leaves hold labels that contradict each other")
        else:
            self._say(
                f"each of {len(growth.leaves)} leaves passed {attack.checks} probes: what a share p of a leaf's probes"
                f" hits was missed with probability (1 - p)^{attack.checks}"
            )

    def _tell_apart(self, mixed: Sequence[Leaf]) -> Steps:
        """Walk between rows of one leaf and of different labels; two walks where there are many rows."""
        pairs = [
            opposite(leaf.rows, self._facts, self._rng) for leaf in mixed for _ in range(1 + (len(leaf.rows) > 12))
        ]
        before = len(self._thresholds)
        yield from self._walk([(self._facts.X[i], self._facts.X[j], int(self._facts.y[i])) for i, j in pairs])
        if len(self._thresholds) == before:
            for leaf in mixed:
                self._failed[leaf.box.key] = self._failed.get(leaf.box.key, 0) + 1

    def _thicken(self, thin: Sequence[tuple[Leaf, int]]) -> Steps:
        """Ask probes where they are too few, some of them with a mate; walk where the two differ."""
        rows, mates = [], []
        for leaf, lacking in thin:
            drawn = self._probes(leaf.box, min(lacking, MOST))
            rows.append(drawn)
            if len(self._facts.missing(drawn)) == 0:
                self._exhausted.add(leaf.box.key)
            for row in drawn[: max(1, int(len(drawn) * MATES))]:
                mates.append((row, self._probes(self._thresholds.cell(row, leaf.box), 1)[0]))
        yield from self._ask(np.concatenate(rows))
        first, second = (np.array(part) for part in zip(*mates, strict=True))
        yield from self._ask(second, probe=False)
        a, b = self._facts.labels(first), self._facts.labels(second)
        yield from self._walk([(first[i], second[i], int(a[i])) for i in np.flatnonzero(a != b)])

    def _check(self, unsure: Sequence[tuple[Leaf, int]]) -> Steps:
        """Probe leaves that have not passed enough."""
        rows = []
        for leaf, lacking in unsure:
            key = leaf.box.key
            if key not in self._passed:
                rows.append(corners(leaf.box, self._thresholds))
            rows.append(self._probes(leaf.box, min(lacking, BATCH)))
            self._passed[key] = self._passed.get(key, 0) + min(lacking, BATCH)
        yield from self._ask(np.concatenate(rows))

    def _unchecked(self, leaf: Leaf) -> int:
        """How many probes a leaf has yet to pass; those of larger boxes that fell into it count half."""
        if (leaf.box.lower == leaf.box.upper).all():
            return 0
        own = self._passed.get(leaf.box.key, 0)
        return self._attack.checks - own - max(0, int(self._facts.probe[leaf.rows].sum()) - own) // 2

    def _probes(self, box: Box, n: int) -> FloatArray:
        return probes(box, self._thresholds, n, self._rng)

    def _walk(self, pairs: Iterable[tuple[FloatArray, FloatArray, int]]) -> Steps:
        """Walk between pairs of rows, given the label of the first, side by side."""
        walks = [walk(self._thresholds, one, other, label, self._rng, self._resolution) for one, other, label in pairs]
        under_way = together(walks)
        rows = next(under_way, None)
        while rows is not None:
            yield from self._ask(rows, probe=False)
            try:
                rows = under_way.send(self._facts.labels(rows))
            except StopIteration:
                rows = None

    def _ask(self, X: FloatArray, probe: bool = True) -> Steps:
        """Ask the rows that were not asked before; the facts then hold the labels of all."""
        X = self._facts.missing(X)
        if len(X):
            self._keep(X, (yield self._thresholds.grid.rows(X)), probe)

    def _keep(self, X: FloatArray, answers: Array, probe: bool) -> None:
        self._facts.add(X, np.argmax(answers[:, None] == self._classes, axis=1), probe)

    def cut(self, X: FloatArray, answers: Array) -> None:
        """Keep the answers that the budget left; whether to probes does not matter any more."""
        self._keep(self._thresholds.grid.cast(X), answers, probe=False)

    def _say(self, sentence: str) -> None:
        self.note = "; ".join(filter(None, [self.note, sentence]))

    def hypothesis(self) -> Estimator:
        """The smallest tree that fits the answers so far."""
        d = self._known.domain.n_features
        if len(self._facts.y) == 0:
            return constant(self._classes[0], d)
        growth = self._grow(patience=0, decisions=dict(self._decisions))
        answers = {leaf.node: self._classes[leaf.label] for leaf in growth.leaves}
        return growth.branches.fitted(answers, d, classes=self._classes)

    def _grow(self, patience: int, decisions: dict[bytes, Decision]) -> Growth:
        return grow(
            self._thresholds,
            self._facts.X,
            self._facts.y,
            look=self._look,
            patience=patience,
            probe=self._facts.probe,
            exhausted=self._exhausted,
            decisions=decisions,
        )
