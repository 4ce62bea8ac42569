"""A linear support vector machine as a target."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from mex import Dataset, FittedTarget, Scope
from mex.dataset import Rows
from mex.params import above, boolean, doc
from mex.toolkit.models import deploy
from mex.types import Estimator


@attrs.frozen(kw_only=True)
class LinearSvm:
    """scikit-learn's ``LinearSVC`` behind a ``StandardScaler``; it answers labels only.

    Several classes are one against the rest. ``fit_intercept=false`` as in ``logistic``.

    >>> from sklearn.datasets import load_breast_cancer
    >>> from mex import Domain
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> data = Dataset("breast-cancer", X, y, Domain.of(X), ("malignant", "benign"))
    >>> target = LinearSvm(fit_intercept=False).fit(data, Rows(X, y), np.random.default_rng(0))
    >>> target.domain.bounded, float(np.mean(target.answer(target.encode(X), "label") == y).round(2))
    (False, 0.99)
    """

    C: float = attrs.field(default=1.0, validator=above(0), metadata=doc("inverse strength of the L2 penalty"))
    fit_intercept: bool = attrs.field(
        default=True, validator=boolean(), metadata=doc("false gives a homogeneous halfspace on standardised features")
    )

    scope: ClassVar[Scope] = Scope(tasks=("binary", "multiclass"))
    paper: ClassVar[str] = "Chandrasekaran et al. 2020, Sections 2 and 6.1"

    def estimator(self, task: str, rng: np.random.Generator) -> Estimator:
        """The unfitted learner, solved in the primal, which has one solution whatever the order of the rows."""
        svm = LinearSVC(C=self.C, fit_intercept=self.fit_intercept, dual=False, max_iter=10000)
        return make_pipeline(StandardScaler(), svm) if self.fit_intercept else svm

    def fit(self, dataset: Dataset, train: Rows, rng: np.random.Generator) -> FittedTarget:
        """Fit on the training rows."""
        return deploy(
            self.estimator(dataset.task, rng),
            dataset,
            train,
            kind="linear",
            answers=("label",),
            public={"intercept": self.fit_intercept, "C": self.C, "link": "margin"},
            standardised=not self.fit_intercept,
        )
