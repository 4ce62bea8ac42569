"""A tree with shrunk leaves, and sums of trees."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from imodels import FIGSClassifier, FIGSRegressor, HSTreeClassifier, HSTreeRegressor

from mex import Scope
from mex.params import above, doc, whole
from mex.toolkit.estimators import random_state
from mex.types import Estimator
from mex_imodels.base import Interpretable


@attrs.frozen(kw_only=True)
class ShrunkTree(Interpretable):
    """A decision tree whose leaves are drawn towards the nodes above them (hierarchical shrinkage)."""

    max_leaf_nodes: int = attrs.field(default=16, validator=whole(2), metadata=doc("leaves at most"))
    shrinkage: float = attrs.field(default=1.0, validator=above(0), metadata=doc("how far leaves are shrunk"))

    kind: ClassVar[str] = "tree"
    scope: ClassVar[Scope] = Scope()
    paper: ClassVar[str] = "Agarwal et al. 2022, Hierarchical Shrinkage"

    def estimator(self, task: str, rng: np.random.Generator) -> Estimator:
        """The unfitted tree; ``rng`` breaks ties between equally good splits."""
        tree = HSTreeRegressor if task == "regression" else HSTreeClassifier
        return tree(max_leaf_nodes=self.max_leaf_nodes, reg_param=self.shrinkage, random_state=random_state(rng))


@attrs.frozen(kw_only=True)
class FIGS(Interpretable):
    """Fast interpretable greedy-tree sums: each split goes to the tree of the sum where it helps most.

    Probabilities are the softmax of (1 - s, s) for a sum s, so that none leaves 0.27 to 0.73 where s is in
    [0, 1]; their log-odds are linear in the sum, as those of boosted trees are.
    """

    max_rules: int = attrs.field(default=12, validator=whole(1), metadata=doc("splits of all trees together"))

    kind: ClassVar[str] = "boosted"
    precision: ClassVar[str] = "float64"
    scope: ClassVar[Scope] = Scope()
    paper: ClassVar[str] = "Tan et al. 2022, Fast Interpretable Greedy-Tree Sums"

    def estimator(self, task: str, rng: np.random.Generator) -> Estimator:
        """The unfitted sum; ``rng`` breaks ties between equally good splits."""
        figs = FIGSRegressor if task == "regression" else FIGSClassifier
        return figs(max_rules=self.max_rules, random_state=random_state(rng))
