"""Sums of rules."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from imodels import BoostedRulesClassifier, RuleFitClassifier, RuleFitRegressor

from mex import Dataset, Family, FittedTarget, Scope
from mex.dataset import Rows
from mex.params import boolean, doc, whole
from mex.toolkit.estimators import random_state
from mex.types import Estimator
from mex_imodels.base import CLASSIFIERS, Interpretable


@attrs.frozen(kw_only=True)
class BoostedRules(Interpretable):
    """A weighted vote of rules of one comparison each (AdaBoost of stumps)."""

    rules: int = attrs.field(default=15, validator=whole(1), metadata=doc("how many rules"))

    kind: ClassVar[str] = "boosted"
    scope: ClassVar[Scope] = CLASSIFIERS
    paper: ClassVar[str] = "Freund and Schapire 1997; Singh et al. 2021, imodels"

    def estimator(self, task: str, rng: np.random.Generator) -> Estimator:
        """The unfitted vote; ``rng`` breaks ties between equally good rules."""
        return BoostedRulesClassifier(n_estimators=self.rules, random_state=random_state(rng))


@attrs.frozen(kw_only=True)
class RuleFit(Interpretable):
    """A sparse linear model over rules, each a path of a small tree, and over the features themselves.

    Its class is one of its own, which no exact attack of mex knows: without the linear terms its boundaries are
    parallel to the axes, and with them they are not.
    """

    max_rules: int = attrs.field(default=20, validator=whole(1), metadata=doc("rules at most"))
    linear: bool = attrs.field(default=True, validator=boolean(), metadata=doc("whether features are terms as well"))

    kind: ClassVar[str] = "rules"
    scope: ClassVar[Scope] = Scope(tasks=("binary", "regression"))
    paper: ClassVar[str] = "Friedman and Popescu 2008, Predictive Learning via Rule Ensembles"

    def estimator(self, task: str, rng: np.random.Generator) -> Estimator:
        """The unfitted model."""
        fit = RuleFitRegressor if task == "regression" else RuleFitClassifier
        return fit(
            n_estimators=2 * self.max_rules,
            max_rules=self.max_rules,
            include_linear=self.linear,
            cv=False,
            random_state=random_state(rng),
        )

    def fit(self, dataset: Dataset, train: Rows, rng: np.random.Generator) -> FittedTarget:
        """Fit on the training rows."""
        target = super().fit(dataset, train, rng)
        learned = target.family
        return attrs.evolve(
            target,
            family=Family(
                learned.kind,
                learned.public,
                learned.learner,
                "it sums rules and features" if self.linear else "it sums rules",
                axis_parallel=not self.linear,
            ),
        )
