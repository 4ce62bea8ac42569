"""A random forest as a target."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from mex import Dataset, FittedTarget, Scope
from mex.dataset import Rows
from mex.params import doc, optional, whole
from mex.toolkit.estimators import random_state
from mex.toolkit.models import deploy
from mex.types import Estimator


@attrs.frozen(kw_only=True)
class RandomForest:
    """scikit-learn's random forest on raw features; a regressor where the dataset is a regression.

    A ``leaf`` answer holds one leaf number per tree.

    >>> from sklearn.datasets import load_iris
    >>> from mex import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> data = Dataset("iris", X, y, Domain.of(X), ("setosa", "versicolor", "virginica"))
    >>> target = RandomForest(trees=10).fit(data, Rows(X, y), np.random.default_rng(0))
    >>> target.answer(X, "leaf").shape
    (150, 10)
    """

    trees: int = attrs.field(default=100, validator=whole(1), metadata=doc("how many trees"))
    max_depth: int | None = attrs.field(
        default=None,
        validator=optional(whole(1)),
        metadata=doc("greatest depth; without it leaves are grown until pure"),
    )

    scope: ClassVar[Scope] = Scope(incomplete=True)
    paper: ClassVar[str] = "Chandrasekaran et al. 2020, Section 4.3; Breiman 2001"

    def estimator(self, task: str, rng: np.random.Generator) -> Estimator:
        """The unfitted learner; ``rng`` seeds the bootstrap and the choice of features."""
        forest = RandomForestRegressor if task == "regression" else RandomForestClassifier
        return forest(n_estimators=self.trees, max_depth=self.max_depth, random_state=random_state(rng))

    def fit(self, dataset: Dataset, train: Rows, rng: np.random.Generator) -> FittedTarget:
        """Fit on the training rows."""
        return deploy(
            self.estimator(dataset.task, rng),
            dataset,
            train,
            kind="forest",
            answers=("value", "leaf") if dataset.task == "regression" else ("label", "proba", "leaf"),
            public=attrs.asdict(self),
        )
