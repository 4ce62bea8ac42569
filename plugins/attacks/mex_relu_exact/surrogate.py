"""What is handed over where a network cannot be taken apart: one that is trained."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import TransformedTargetRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mex import Knowledge
from mex.toolkit.active.supervised import SupervisedLearner
from mex.toolkit.checking.rows import natural
from mex.toolkit.estimators import random_state
from mex.types import Array, Estimator, FloatArray
from mex_relu_exact.scores import answers_of

UNITS, PENALTY = 64, 1e-3
BATCH = 100
LEAST = 1e-9
"""The least probability whose logarithm is fitted."""


class TrainedNetwork(SupervisedLearner):
    """Trains a network on the scores of all answers and asks rows like the data, or of the domain if there are none."""

    def __init__(self, known: Knowledge, rng: np.random.Generator) -> None:
        super().__init__(known)
        self._rng = rng
        self._seed = random_state(rng)
        self._pending: FloatArray | None = None

    def ask(self) -> FloatArray | None:
        """Rows of a batch; None at the end of the budget."""
        if self._pending is None:
            n = max(BATCH, len(self.X) // 2)
            left = n if self.known.budget is None else self.known.budget - self.asked
            self._pending = natural(self.known, max(min(n, left), 0), self._rng)
        return self._pending if len(self._pending) else None

    def tell(self, X: FloatArray, answers: Array) -> None:
        """Take the answers of the batch."""
        super().tell(X, answers)
        self._pending = None

    def fit(self) -> Estimator:
        network = MLPRegressor(
            hidden_layer_sizes=(UNITS,), solver="lbfgs", alpha=PENALTY, max_iter=500, random_state=self._seed
        )
        model = make_pipeline(StandardScaler(), TransformedTargetRegressor(network, transformer=StandardScaler()))
        answers, classes = np.asarray(self.answers, dtype=np.float64), self.known.classes
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a fit that has not converged is only as good as it predicts
            if classes is None:
                return model.fit(self.X, answers)
            logs = np.log(np.maximum(answers, LEAST))
            return ScoreClassifier(model.fit(self.X, logs[:, 1:] - logs[:, :1]), classes)


class ScoreClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn publishes no types
    """A classifier by a fitted regressor of log(p_k / p_0), k > 0."""

    def __init__(self, regressor: Estimator, classes: Array) -> None:
        """``classes`` are the labels in the order of the probabilities."""
        self.regressor = regressor
        self.classes = classes
        self.classes_ = classes
        self.n_features_in_ = regressor.n_features_in_

    def predict_proba(self, X: FloatArray) -> FloatArray:
        """Probabilities, shape (n, number of classes)."""
        return answers_of(np.reshape(self.regressor.predict(X), (len(X), -1)), len(self.classes))

    def predict(self, X: FloatArray) -> Array:
        """The label of the largest probability."""
        return np.asarray(self.classes[self.predict_proba(X).argmax(axis=1)])
