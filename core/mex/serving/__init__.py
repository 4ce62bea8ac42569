"""For the operator: scikit-learn estimators that answer behind a defense, to be served in place of the model."""

from __future__ import annotations

from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.metaestimators import available_if

from mex.serving.base import DefendedEstimator
from mex.types import Array, FloatArray


def _gives_probabilities(self: DefendedEstimator) -> bool:
    server = getattr(self, "_server", None)
    return hasattr(self.estimator, "predict_proba") if server is None else "proba" in server.target.answers


class DefendedClassifier(ClassifierMixin, DefendedEstimator):  # type: ignore[misc]
    """A classifier behind a defense: fit it, or :meth:`wrap` a fitted model, and serve it as it is.

    The answers are those the matrix measures, by the same code. Labels are the model's own, but for those that the
    defense is there to change: the argmax of ``predict_proba`` as far as the model's own are, and not where a threshold
    was moved. Noise should be sticky: then a row has the same answer in every worker and after a restart, ``predict``
    and ``predict_proba`` tell of the same draw, and there is nothing to average away. What reaches round a defense is
    not forwarded: decision_function, apply, transform. Defenses that count a client's queries count those of this
    process only: a limit that must hold for each client and over several workers belongs into a gateway, ``mex serve``.

    Args:
        estimator: the model.
        defense: as on the command line, ``"gaussian-output:sticky=true + rounding:decimals=2"``, or a component.
        random_state: makes ``fit`` repeatable, for tests: whoever guesses it knows the noise. By default the
            key is drawn from the operating system; :meth:`wrap` takes a secret.

    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X, y)
    >>> served = DefendedClassifier.wrap(model, "gaussian-output:scale=0.2,sticky=true", secret="of the example")
    >>> bool((served.predict(X) == served.predict_proba(X).argmax(axis=1)).all())
    True
    >>> round(model.score(X, y), 3), round(served.score(X, y), 3)
    (0.942, 0.931)
    """

    @available_if(_gives_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Array) -> FloatArray:
        """The defended probabilities of the rows of ``X``, shape (n, classes); where the defense leaves any.

        Raises:
            Refused: if a defense refuses some of the rows.
        """
        return self._ask(X, proba=True)


class DefendedRegressor(RegressorMixin, DefendedEstimator):  # type: ignore[misc]
    """A regressor behind a defense; see :class:`DefendedClassifier`.

    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import LinearRegression
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = LinearRegression().fit(X, y)
    >>> model.predict(X[:2]).round(4), DefendedRegressor.wrap(model, "rounding:digits=2").predict(X[:2])
    (array([206.1167,  68.071 ]), array([210.,  68.]))
    """
