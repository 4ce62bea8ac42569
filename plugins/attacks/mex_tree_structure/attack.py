"""Exact recovery of a tree from leaf ids."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from mex import Incompatible, Knowledge, Learner, Scope
from mex.params import between, doc, optional, whole
from mex_tree_structure.recovery import Recovery

CHECKS = 100
"""Random rows to ask where answers are values, which leaves may well share."""


@attrs.frozen(kw_only=True)
class TreeStructure:
    """Recover a tree from the ids of its leaves, or from a regression tree's values: exactly, and knowing it.

    A leaf is a box, so any two rows answered alike put the whole hull between them in one leaf. A box whose opposite
    corners are answered alike is done. Otherwise the root of what is inside is a plane that cuts no hull, and three
    kinds of row find it: one that pushes a leaf across several gaps between hulls at once, which rules all of them
    out if it is still the same leaf; one that halves the last gap; and one that looks beyond all hulls. A plane
    that turns out to cut a leaf is taken back, which costs nothing, as the hulls are all that is remembered; so
    no leaf is found in pieces.

    Thresholds are found to the last float32 number (scikit-learn compares float32), to a whole number for integer
    features, and a feature without bounds is searched over the float32 numbers up to 2^100. Open boxes are asked
    about side by side, a row of each at a time. Of one-hot groups a leaf has to show each category that it holds,
    since any one of them could be another leaf: that is most of the cost where categories are many.

    All of that takes for granted that no two leaves answer alike. Two that do are noticed when a row of a third is
    answered between them, which need not happen; ``checks`` rows at random, once all boxes are closed, make it likely.
    From then on an answer stands for several hulls, parted wherever another answer lies between, and the search goes
    on; ``note`` no longer calls the tree certified. That is good for a few leaves that share: where most do, too little
    is left to tell planes by, boxes end in a guess, and ``passive`` is nearer to the target for the same questions.

    >>> import mex
    >>> from mex.toolkit.trees.comparison import refines
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> tree, domain = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, y), mex.Domain.of(X)
    >>> target = mex.FittedTarget.wrap(tree, domain=domain, family=mex.Family("tree"), answers=("label", "leaf"))
    >>> oracle = mex.Oracle(target, answers="leaf")
    >>> stolen = mex.extract(oracle, TreeStructure().learner(oracle.knowledge(), np.random.default_rng(0)))
    >>> refines(stolen.hypothesis, tree, domain), stolen.queries
    (True, 105)
    """

    evidence: int = attrs.field(
        default=2, validator=whole(1), metadata=doc("leaves that must end at each gap left before a box is split")
    )
    resolution: float = attrs.field(
        default=0.0,
        validator=between(0, 0.5),
        metadata=doc("width to which a threshold is found, as a share of the feature's range; 0 is exact to float32"),
    )
    checks: int | None = attrs.field(
        default=None,
        validator=optional(whole(0)),
        metadata=doc("random rows to ask once all boxes are closed; left out, 0 for leaf ids and 100 for values"),
    )

    scope: ClassVar[Scope] = Scope(families="tree", answers=("leaf", "value"))
    paper: ClassVar[str] = "Tramèr et al. 2016, Section 4.2, for extraction from leaf ids; gap elimination is new here"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start with the whole domain as one open box."""
        if knowledge.rho:
            raise Incompatible("tree-structure needs answers without noise: a wrong one looks like another leaf")
        checks = self.checks
        if checks is None:
            checks = CHECKS if knowledge.answers == "value" else 0
        return Recovery(knowledge, rng, evidence=self.evidence, resolution=self.resolution, checks=checks)
