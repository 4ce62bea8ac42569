"""A kernel support vector machine as a target."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from mex import Dataset, FittedTarget, Scope
from mex.dataset import Rows
from mex.params import above, doc, either, one_of, whole
from mex.toolkit.models import deploy
from mex.types import Estimator


@attrs.frozen(kw_only=True)
class KernelSvm:
    """scikit-learn's ``SVC`` behind a ``StandardScaler``, an ``SVR`` where the dataset is a regression.

    It answers labels (or values) only. Kernel and parameters are public, as in the paper's Section 4.1.

    >>> from sklearn.datasets import load_breast_cancer
    >>> from mex import Domain
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> data = Dataset("breast-cancer", X, y, Domain.of(X), ("malignant", "benign"))
    >>> target = KernelSvm(kernel="poly", degree=2).fit(data, Rows(X, y), np.random.default_rng(0))
    >>> float(np.mean(target.answer(X, "label") == y) > 0.8)
    1.0
    """

    kernel: str = attrs.field(default="rbf", validator=one_of("rbf", "poly"), metadata=doc("kernel"))
    C: float = attrs.field(default=1.0, validator=above(0), metadata=doc("inverse strength of the penalty"))
    gamma: float | str = attrs.field(
        default="scale",
        validator=either(above(0), one_of("scale", "auto")),
        metadata=doc("width of the kernel, or scikit-learn's rule for it"),
    )
    degree: int = attrs.field(default=3, validator=whole(1), metadata=doc("degree of the polynomial kernel"))

    scope: ClassVar[Scope] = Scope()
    paper: ClassVar[str] = "Chandrasekaran et al. 2020, Sections 4.1 and 6.2"

    def estimator(self, task: str, rng: np.random.Generator) -> Estimator:
        """The unfitted learner; the solver draws nothing."""
        if task == "regression":  # the tube and the penalty are in the units of the target, so it is scaled as well
            svm = TransformedTargetRegressor(SVR(**attrs.asdict(self)), transformer=StandardScaler())
        else:
            svm = SVC(**attrs.asdict(self))
        return make_pipeline(StandardScaler(), svm)

    def fit(self, dataset: Dataset, train: Rows, rng: np.random.Generator) -> FittedTarget:
        """Fit on the training rows."""
        return deploy(
            self.estimator(dataset.task, rng),
            dataset,
            train,
            kind="kernel",
            answers=("value",) if dataset.task == "regression" else ("label",),
            public=attrs.asdict(self),
        )
