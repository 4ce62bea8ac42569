"""A model: Gaussian naive Bayes."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from sklearn.naive_bayes import GaussianNB

import mex
from mex.dataset import Rows
from mex.params import above, doc
from mex.toolkit.models import deploy
from mex.types import Estimator


@attrs.frozen(kw_only=True)
class NaiveBayes:
    """Gaussian naive Bayes: of each class a mean and a variance for each feature."""

    smoothing: float = attrs.field(
        default=1e-9, validator=above(0), metadata=doc("share of the largest variance that is added to each of them")
    )

    scope: ClassVar[mex.Scope] = mex.Scope(tasks=("binary", "multiclass"))
    paper: ClassVar[str] = "an example of the documentation, with scikit-learn's GaussianNB"

    def estimator(self, task: str, rng: np.random.Generator) -> Estimator:
        """The unfitted estimator, for attacks that learn over the same class; draw seeds from ``rng``."""
        return GaussianNB(var_smoothing=self.smoothing)

    def fit(self, dataset: mex.Dataset, train: Rows, rng: np.random.Generator) -> mex.FittedTarget:
        """Fit on the training rows, and put the public face of an interface on the model."""
        return deploy(
            self.estimator(dataset.task, rng),
            dataset,
            train,
            kind="naive-bayes",
            answers=("label", "proba"),
            public=attrs.asdict(self),
        )
