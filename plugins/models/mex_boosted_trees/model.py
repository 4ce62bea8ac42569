"""Gradient-boosted trees as a target."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

from mex import Dataset, FittedTarget, Scope
from mex.dataset import Rows
from mex.params import above, doc, whole
from mex.toolkit.estimators import random_state
from mex.toolkit.models import deploy
from mex.types import Estimator


@attrs.frozen(kw_only=True)
class BoostedTrees:
    """scikit-learn's gradient boosting on raw features; a regressor where the dataset is a regression.

    With trees of depth 1 (stumps) the model is a sum of step functions of one feature each.

    >>> from sklearn.datasets import load_diabetes
    >>> from mex import Domain
    >>> X, y = load_diabetes(return_X_y=True)
    >>> data = Dataset("diabetes", X, y, Domain.of(X))
    >>> target = BoostedTrees(trees=50).fit(data, Rows(X, y), np.random.default_rng(0))
    >>> target.answers, round(target.estimator.score(X, y), 2)
    (('value',), 0.54)
    """

    trees: int = attrs.field(default=100, validator=whole(1), metadata=doc("how many trees, or per class if several"))
    max_depth: int = attrs.field(default=1, validator=whole(1), metadata=doc("depth of each tree; 1 is a stump"))
    learning_rate: float = attrs.field(default=0.1, validator=above(0), metadata=doc("factor on each tree"))

    scope: ClassVar[Scope] = Scope()
    paper: ClassVar[str] = "Friedman 2001"

    def estimator(self, task: str, rng: np.random.Generator) -> Estimator:
        """The unfitted learner; ``rng`` breaks ties between equally good splits."""
        boosting = GradientBoostingRegressor if task == "regression" else GradientBoostingClassifier
        return boosting(
            n_estimators=self.trees,
            max_depth=self.max_depth,
            learning_rate=self.learning_rate,
            random_state=random_state(rng),
        )

    def fit(self, dataset: Dataset, train: Rows, rng: np.random.Generator) -> FittedTarget:
        """Fit on the training rows."""
        return deploy(
            self.estimator(dataset.task, rng),
            dataset,
            train,
            kind="boosted",
            answers=("value",) if dataset.task == "regression" else ("label", "proba"),
            public=attrs.asdict(self),
        )
