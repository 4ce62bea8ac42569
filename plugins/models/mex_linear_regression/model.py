"""Linear regression as a target."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from sklearn.linear_model import LinearRegression as LeastSquares
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mex import Dataset, FittedTarget, Scope
from mex.dataset import Rows
from mex.toolkit.models import deploy
from mex.types import Estimator


@attrs.frozen(kw_only=True)
class LinearRegression:
    """scikit-learn's ``LinearRegression`` behind a ``StandardScaler``; it answers values.

    >>> from sklearn.datasets import load_diabetes
    >>> from mex import Domain
    >>> X, y = load_diabetes(return_X_y=True)
    >>> target = LinearRegression().fit(Dataset("diabetes", X, y, Domain.of(X)), Rows(X, y), np.random.default_rng(0))
    >>> target.answers, target.classes
    (('value',), None)
    """

    scope: ClassVar[Scope] = Scope(tasks="regression")
    paper: ClassVar[str] = "Chandrasekaran et al. 2020, Section 3, Example 2"

    def estimator(self, task: str, rng: np.random.Generator) -> Estimator:
        """The unfitted learner; nothing is drawn."""
        return make_pipeline(StandardScaler(), LeastSquares())

    def fit(self, dataset: Dataset, train: Rows, rng: np.random.Generator) -> FittedTarget:
        """Fit on the training rows."""
        return deploy(
            self.estimator(dataset.task, rng),
            dataset,
            train,
            kind="linear",
            answers=("value",),
            public={"intercept": True, "link": "identity"},
        )
