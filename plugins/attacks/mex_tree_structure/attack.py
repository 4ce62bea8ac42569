"""Exact recovery of a tree from its leaf ids or values."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from mex import Incompatible, Knowledge, Learner, Scope
from mex.params import between, doc, optional, whole
from mex.toolkit.checking.self_check import self_checked
from mex.toolkit.trees.refinement import refined
from mex_tree_structure.recovery import Recovery

CHECKS = 100
"""Random rows to ask where answers are values, since several leaves may have one value."""


@attrs.frozen(kw_only=True)
class TreeStructure:
    """Recover a tree exactly from the ids of its leaves, or from the values of a regression tree, with a certificate.

    A leaf is a box, so all rows between two rows of one answer (their *hull*) are in one leaf. A box of the domain is
    finished if two opposite corners of it are in one hull. Otherwise it is split at a plane that cuts no hull, which
    three kinds of rows find: a row that extends a hull across several gaps between hulls at once, which rules these
    gaps out if it is answered alike; a row that halves a gap; and a row beyond all hulls. A plane that turns out to
    cut a leaf is removed; the hulls below it stay, so no query is lost.

    Thresholds are exact to float32 numbers, which scikit-learn compares, and to whole numbers for integer features; a
    feature without bounds is searched up to 2^100. Of a model that is known to compare in float64 the gap of float32
    around each threshold is bisected at the end. All open boxes are asked in one batch, a row of each. Of a
    one-hot group each category of a leaf has to be seen, which is most of the cost where there are many.

    This assumes that no two leaves have one answer. If two have, that shows when a row between their rows is answered
    otherwise; ``checks`` random rows, asked when all boxes are finished, make it likely. From then on an answer may
    have several hulls, kept apart wherever a row of another answer lies between them, and the note does not call the
    tree certified. That works for a few leaves with a common answer. Where most leaves have one, boxes end in a guess,
    and ``passive`` agrees better for the same queries.

    >>> import mex
    >>> from mex.toolkit.trees.comparison import refines
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> tree, domain = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, y), mex.Domain.of(X)
    >>> target = mex.FittedTarget.wrap(tree, domain=domain, family=mex.Family("tree"), answers=("label", "leaf"))
    >>> oracle = mex.Oracle(target, answers="leaf")
    >>> learner = TreeStructure().learner(oracle.knowledge(), np.random.default_rng(0))
    >>> stolen = mex.extract(oracle, learner, snapshots=False)
    >>> refines(stolen.hypothesis, tree, domain), stolen.queries
    (True, 109)
    """

    evidence: int = attrs.field(
        default=2,
        validator=whole(1),
        metadata=doc("how many leaves must be known to end at each gap before a box is split"),
    )
    resolution: float = attrs.field(
        default=0.0,
        validator=between(0, 0.5),
        metadata=doc("width to which a threshold is found, as a share of the feature's range; 0 is exact to float32"),
    )
    checks: int | None = attrs.field(
        default=None,
        validator=optional(whole(0)),
        metadata=doc("random rows to ask once all boxes are finished; left out, 0 for leaf ids and 100 for values"),
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

        def start(known: Knowledge, stream: np.random.Generator) -> Learner:
            found = Recovery(known, stream, evidence=self.evidence, resolution=self.resolution, checks=checks)
            return found if self.resolution else refined(found, known)

        return self_checked(knowledge, rng, start, eps=self.resolution)
