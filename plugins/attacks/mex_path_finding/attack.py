"""Path finding: a tree from its leaf ids."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from mex import Incompatible, Knowledge, Learner, Scope
from mex.params import between, doc, one_of
from mex.toolkit.checking.self_check import self_checked
from mex_path_finding.bottom_up import BottomUp
from mex_path_finding.top_down import TopDown


@attrs.frozen(kw_only=True)
class PathFinding:
    """The two attacks of Tramèr et al. on trees whose interface tells in which node a row ends.

    *Bottom-up* (their Algorithm 1): from one row of each leaf found it searches along each continuous or integer
    feature, and asks each other category of each one-hot group; each other leaf found that way is searched in turn.
    That takes about one line search per leaf, feature and threshold. An id outside of the box found for it belongs to
    another leaf, which is searched as well; but a leaf between two leaves of one id on a line is missed.

    *Top-down*, where the interface takes incomplete rows (:attr:`mex.Domain.incomplete`) and answers with the node at
    which the path stops: from the empty row, which stops at the root, each node's feature is the one with which the
    path goes on, and a line search finds its threshold. With ``scan=in-turn`` features are tried one by one, as
    published; by halves it takes the logarithm of their number. A path does not stop at a node whose feature is given,
    so the two ends of each box are asked as well: they differ if there was such a node. Then a leaf may be found in
    several boxes.

    No row is asked twice, and rows that do not depend on each other are asked in one batch.

    >>> import mex
    >>> from mex.toolkit.trees.comparison import disagreement
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> tree, domain = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, y), mex.Domain.of(X)
    >>> target = mex.FittedTarget.wrap(tree, domain=domain, family=mex.Family("tree"), answers=("label", "leaf"))
    >>> oracle = mex.Oracle(target, answers="leaf")
    >>> learner = PathFinding().learner(oracle.knowledge(), np.random.default_rng(0))
    >>> stolen = mex.extract(oracle, learner, snapshots=False)
    >>> disagreement(stolen.hypothesis, tree, domain) < 0.001, stolen.queries
    (True, 91)
    """

    epsilon: float = attrs.field(
        default=1e-3,
        validator=between(0, 0.5),
        metadata=doc("width to which a threshold is found, as a share of the feature's range; 0 is exact to float32"),
    )
    direction: str = attrs.field(
        default="bottom-up",
        validator=one_of("bottom-up", "top-down"),
        metadata=doc("from leaves, or from the root where the interface takes incomplete rows"),
    )
    scan: str = attrs.field(
        default="halves",
        validator=one_of("halves", "in-turn"),
        metadata=doc("top-down: how the feature of a node is found, by halving those left or one by one"),
    )

    scope: ClassVar[Scope] = Scope(families="tree", answers=("leaf", "value"))
    paper: ClassVar[str] = "Tramèr et al. 2016, Section 4.2, Algorithm 1; Chandrasekaran et al. 2020, Table 4"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start from a random row, or from the empty one."""
        if knowledge.rho:
            raise Incompatible("path-finding needs answers without noise: a wrong one looks like another leaf")
        if self.direction == "bottom-up":
            return self_checked(
                knowledge, rng, lambda known, stream: BottomUp(known, stream, self.epsilon), eps=self.epsilon
            )
        if not knowledge.domain.incomplete:
            raise Incompatible(
                "top-down path finding asks incomplete rows, and this interface takes complete ones only"
            )
        if knowledge.answers != "leaf":
            raise Incompatible(
                f"top-down path finding needs the ids of nodes; this interface gives {knowledge.answers}"
            )
        in_turn = self.scan == "in-turn"
        return self_checked(
            knowledge, rng, lambda known, _: TopDown(known, self.epsilon, in_turn=in_turn), eps=self.epsilon
        )
