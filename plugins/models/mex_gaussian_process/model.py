"""A Gaussian process as a target."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mex import Dataset, FittedTarget, Scope
from mex.dataset import Rows
from mex.params import above, doc
from mex.toolkit.models import deploy
from mex.types import Estimator


@attrs.frozen(kw_only=True)
class GaussianProcess:
    """scikit-learn's Gaussian process with an RBF kernel behind a ``StandardScaler``; a regressor on a regression.

    The kernel is fixed and public, and not optimised. The classifier uses the Laplace approximation, one class against
    the rest if there are several. It is for small datasets, since it keeps the training rows.

    >>> from sklearn.datasets import load_diabetes
    >>> from mex import Domain
    >>> X, y = load_diabetes(return_X_y=True)
    >>> target = GaussianProcess().fit(Dataset("diabetes", X, y, Domain.of(X)), Rows(X, y), np.random.default_rng(0))
    >>> target.answers, round(target.estimator.score(X, y), 2)
    (('value',), 0.69)
    """

    length_scale: float = attrs.field(
        default=3.0, validator=above(0), metadata=doc("width of the kernel on standardised features")
    )
    variance: float = attrs.field(default=10.0, validator=above(0), metadata=doc("prior variance of the function"))
    noise: float = attrs.field(
        default=1.0, validator=above(0), metadata=doc("variance of the noise of a standardised target; regression only")
    )

    scope: ClassVar[Scope] = Scope()
    paper: ClassVar[str] = "Rasmussen and Williams 2006; Chandrasekaran et al. 2020, Appendix A.2"

    def estimator(self, task: str, rng: np.random.Generator) -> Estimator:
        """The unfitted learner; nothing is drawn."""
        kernel = self.variance * RBF(self.length_scale)
        if task == "regression":
            process = GaussianProcessRegressor(kernel, alpha=self.noise, optimizer=None, normalize_y=True)
        else:
            process = GaussianProcessClassifier(kernel, optimizer=None)
        return make_pipeline(StandardScaler(), process)

    def fit(self, dataset: Dataset, train: Rows, rng: np.random.Generator) -> FittedTarget:
        """Fit on the training rows."""
        return deploy(
            self.estimator(dataset.task, rng),
            dataset,
            train,
            kind="gaussian-process",
            answers=("value",) if dataset.task == "regression" else ("label", "proba"),
            public=attrs.asdict(self),
        )
