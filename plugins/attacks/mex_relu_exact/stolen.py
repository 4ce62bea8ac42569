"""The stolen model: a network as a fitted scikit-learn estimator of plain arrays."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from mex.types import Array, Estimator, FloatArray
from mex_relu_exact.chart import Chart
from mex_relu_exact.network import Network
from mex_relu_exact.scores import answers_of


class OneLayer(BaseEstimator):  # type: ignore[misc] # scikit-learn publishes no types
    """The scores sum_j A_j relu(w_j . z + b_j) + G z + c of rows x, with z = (x - origin) / scale."""

    def __init__(
        self,
        origin: FloatArray,
        scale: FloatArray,
        W: FloatArray,
        b: FloatArray,
        A: FloatArray,
        G: FloatArray,
        c: FloatArray,
    ) -> None:
        """``origin`` and ``scale`` have shape (d,), the others are those of a network of h neurons and m scores."""
        self.origin = origin
        self.scale = scale
        self.W = W
        self.b = b
        self.A = A
        self.G = G
        self.c = c
        self.n_features_in_ = len(origin)

    def scores(self, X: FloatArray) -> FloatArray:
        """Scores of rows, shape (n, m)."""
        Z = (np.asarray(X, dtype=np.float64) - self.origin) / self.scale
        return Network(self.W, self.b, self.A, self.G, self.c)(Z)


class OneLayerRegressor(RegressorMixin, OneLayer):  # type: ignore[misc]
    """A network that answers values."""

    def predict(self, X: FloatArray) -> FloatArray:
        """The value of each row."""
        return answers_of(self.scores(X), 0)


class OneLayerClassifier(ClassifierMixin, OneLayer):  # type: ignore[misc]
    """A network that answers probabilities."""

    def __init__(
        self,
        origin: FloatArray,
        scale: FloatArray,
        W: FloatArray,
        b: FloatArray,
        A: FloatArray,
        G: FloatArray,
        c: FloatArray,
        classes: Array,
    ) -> None:
        """``classes`` are the labels in the order of the probabilities."""
        super().__init__(origin, scale, W, b, A, G, c)
        self.classes = classes
        self.classes_ = classes

    def predict_proba(self, X: FloatArray) -> FloatArray:
        """Probabilities, shape (n, number of classes)."""
        return answers_of(self.scores(X), len(self.classes))

    def predict(self, X: FloatArray) -> Array:
        """The label of the largest probability."""
        return np.asarray(self.classes[self.predict_proba(X).argmax(axis=1)])


def stolen(chart: Chart, network: Network, classes: Array | None) -> Estimator:
    """The estimator of a network on the coordinates of a chart."""
    d = chart.domain.n_features
    origin, scale = np.zeros(d), np.ones(d)
    origin[chart.columns], scale[chart.columns] = chart.low, chart.span
    W, G = np.zeros((len(network), d)), np.zeros((len(network.c), d))
    W[:, chart.columns], G[:, chart.columns] = network.W, network.G
    parts = origin, scale, W, network.b.copy(), network.A.copy(), G, network.c.copy()
    return OneLayerRegressor(*parts) if classes is None else OneLayerClassifier(*parts, np.asarray(classes))
