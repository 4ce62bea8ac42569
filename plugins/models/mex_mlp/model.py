"""A neural network as a target."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mex import Dataset, FittedTarget, Scope
from mex.dataset import Rows
from mex.params import above, doc, one_of, whole
from mex.toolkit.estimators import random_state
from mex.toolkit.models import deploy
from mex.types import Estimator


@attrs.frozen(kw_only=True)
class Mlp:
    """scikit-learn's multi-layer perceptron behind a ``StandardScaler``; a regressor on a regression.

    The target of a regressor is standardised as well. Training ends when the loss does not decrease any more.

    >>> from sklearn.datasets import load_diabetes
    >>> from mex import Domain
    >>> X, y = load_diabetes(return_X_y=True)
    >>> data = Dataset("diabetes", X, y, Domain.of(X))
    >>> target = Mlp(units=8).fit(data, Rows(X, y), np.random.default_rng(0))
    >>> target.answers, bool(target.estimator.score(X, y) > 0.5)
    (('value',), True)
    """

    units: int = attrs.field(default=16, validator=whole(1), metadata=doc("neurons in each hidden layer"))
    layers: int = attrs.field(default=1, validator=whole(1), metadata=doc("hidden layers"))
    activation: str = attrs.field(
        default="tanh", validator=one_of("tanh", "relu", "logistic"), metadata=doc("activation of the hidden neurons")
    )
    alpha: float = attrs.field(default=0.1, validator=above(0), metadata=doc("strength of the penalty on the weights"))

    scope: ClassVar[Scope] = Scope()
    paper: ClassVar[str] = "Tramèr et al. 2016, Section 4.1.3; Chandrasekaran et al. 2020, Appendix A.2"

    def estimator(self, task: str, rng: np.random.Generator) -> Estimator:
        """The unfitted learner; ``rng`` draws the first weights and the order of the rows."""
        network = (MLPRegressor if task == "regression" else MLPClassifier)(
            hidden_layer_sizes=(self.units,) * self.layers,
            activation=self.activation,
            alpha=self.alpha,
            learning_rate_init=0.01,
            max_iter=5000,
            random_state=random_state(rng),
        )
        if task == "regression":
            network = TransformedTargetRegressor(network, transformer=StandardScaler())
        return make_pipeline(StandardScaler(), network)

    def fit(self, dataset: Dataset, train: Rows, rng: np.random.Generator) -> FittedTarget:
        """Fit on the training rows."""
        return deploy(
            self.estimator(dataset.task, rng),
            dataset,
            train,
            kind="neural",
            answers=("value",) if dataset.task == "regression" else ("label", "proba"),
            public=attrs.asdict(self),
        )
