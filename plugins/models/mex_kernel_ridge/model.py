"""Kernel ridge regression as a target."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.kernel_ridge import KernelRidge as Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mex import Dataset, FittedTarget, Scope
from mex.dataset import Rows
from mex.params import above, doc, one_of, optional, whole
from mex.toolkit.models import deploy
from mex.types import Estimator


@attrs.frozen(kw_only=True)
class KernelRidge:
    """scikit-learn's ``KernelRidge`` behind a ``StandardScaler``, its target standardised as well.

    >>> from sklearn.datasets import load_diabetes
    >>> from mex import Domain
    >>> X, y = load_diabetes(return_X_y=True)
    >>> target = KernelRidge().fit(Dataset("diabetes", X, y, Domain.of(X)), Rows(X, y), np.random.default_rng(0))
    >>> target.answers, round(target.estimator.score(X, y), 2)
    (('value',), 0.64)
    """

    kernel: str = attrs.field(default="rbf", validator=one_of("rbf", "poly"), metadata=doc("kernel"))
    alpha: float = attrs.field(default=1.0, validator=above(0), metadata=doc("strength of the penalty"))
    gamma: float | None = attrs.field(
        default=None,
        validator=optional(above(0)),
        metadata=doc("width of the kernel on standardised features, 1 / d if left out"),
    )
    degree: int = attrs.field(default=3, validator=whole(1), metadata=doc("degree of the polynomial kernel"))

    scope: ClassVar[Scope] = Scope(tasks="regression")
    paper: ClassVar[str] = "Saunders, Gammerman and Vovk 1998; Chandrasekaran et al. 2020, Appendix A.2"

    def estimator(self, task: str, rng: np.random.Generator) -> Estimator:
        """The unfitted learner; nothing is drawn."""
        ridge = TransformedTargetRegressor(Ridge(**attrs.asdict(self)), transformer=StandardScaler())
        return make_pipeline(StandardScaler(), ridge)

    def fit(self, dataset: Dataset, train: Rows, rng: np.random.Generator) -> FittedTarget:
        """Fit on the training rows."""
        return deploy(
            self.estimator(dataset.task, rng),
            dataset,
            train,
            kind="kernel",
            answers=("value",),
            public=attrs.asdict(self),
        )
