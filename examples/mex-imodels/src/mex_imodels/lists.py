"""Rule lists: each rule compares one feature with a threshold, so that a list is a tree with one long branch."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from imodels import GreedyRuleListClassifier, OneRClassifier

from mex import Scope
from mex.params import doc, whole
from mex.types import Estimator
from mex_imodels.base import BINARY, Interpretable


@attrs.frozen(kw_only=True)
class GreedyRuleList(Interpretable):
    """A list of rules, each the best split of the rows that the ones before it left."""

    max_depth: int = attrs.field(default=5, validator=whole(1), metadata=doc("rules at most"))

    kind: ClassVar[str] = "tree"
    precision: ClassVar[str] = "float64"
    scope: ClassVar[Scope] = BINARY
    paper: ClassVar[str] = "Singh et al. 2021, imodels; after Rivest 1987, Learning Decision Lists"

    def estimator(self, task: str, rng: np.random.Generator) -> Estimator:
        """The unfitted list, which draws nothing."""
        return GreedyRuleListClassifier(max_depth=self.max_depth)


@attrs.frozen(kw_only=True)
class OneR(Interpretable):
    """A list of rules on the one feature that is best alone."""

    max_depth: int = attrs.field(default=5, validator=whole(1), metadata=doc("rules at most"))

    kind: ClassVar[str] = "tree"
    precision: ClassVar[str] = "float64"
    scope: ClassVar[Scope] = BINARY
    paper: ClassVar[str] = "Holte 1993, Very Simple Classification Rules Perform Well on Most Commonly Used Datasets"

    def estimator(self, task: str, rng: np.random.Generator) -> Estimator:
        """The unfitted list, which draws nothing."""
        return OneRClassifier(max_depth=self.max_depth)
