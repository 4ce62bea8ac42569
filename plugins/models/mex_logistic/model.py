"""Logistic regression as a target."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mex import Dataset, FittedTarget, Incompatible, Scope
from mex.dataset import Rows
from mex.params import above, boolean, doc
from mex.toolkit.metrics import unit_normal
from mex.toolkit.models import deploy
from mex.types import Estimator


@attrs.frozen(kw_only=True)
class Logistic:
    """scikit-learn's ``LogisticRegression`` behind a ``StandardScaler``.

    With an intercept, the server scales raw rows itself. Without one it is the paper's homogeneous
    halfspace (Section 2): the interface takes standardised features, any row of R^d.

    >>> from sklearn.datasets import load_breast_cancer
    >>> from mex import Domain
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> data = Dataset("breast-cancer", X, y, Domain.of(X), ("malignant", "benign"))
    >>> target = Logistic().fit(data, Rows(X, y), np.random.default_rng(0))
    >>> float(np.mean(target.answer(X, "label") == y).round(3))
    0.988
    """

    C: float = attrs.field(default=1.0, validator=above(0), metadata=doc("inverse strength of the L2 penalty"))
    fit_intercept: bool = attrs.field(
        default=True, validator=boolean(), metadata=doc("false gives a homogeneous halfspace on standardised features")
    )
    publish: bool = attrs.field(
        default=False,
        validator=boolean(),
        metadata=doc("make the normal public, for experiments of which a stop compares with it; no attack needs it"),
    )

    scope: ClassVar[Scope] = Scope(tasks=("binary", "multiclass"))
    paper: ClassVar[str] = "Chandrasekaran et al. 2020, Sections 2 and 6.1"

    def estimator(self, task: str, rng: np.random.Generator) -> Estimator:
        """The unfitted learner; the solver draws nothing."""
        regression = LogisticRegression(C=self.C, fit_intercept=self.fit_intercept, max_iter=5000)
        return make_pipeline(StandardScaler(), regression) if self.fit_intercept else regression

    def fit(self, dataset: Dataset, train: Rows, rng: np.random.Generator) -> FittedTarget:
        """Fit on the training rows."""
        target = deploy(
            self.estimator(dataset.task, rng),
            dataset,
            train,
            kind="linear",
            answers=("label", "proba"),
            public={"intercept": self.fit_intercept, "C": self.C, "link": "logit"},
            standardised=not self.fit_intercept,
        )
        if not self.publish:
            return target
        normal = unit_normal(target.estimator, target.domain)
        if normal is None or self.fit_intercept:
            raise Incompatible("publish=true publishes the normal of two classes without an intercept")
        public = {**target.family.public, "normal": normal[:-1].tolist()}
        return attrs.evolve(target, family=attrs.evolve(target.family, public=public))
