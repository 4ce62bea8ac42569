"""Margins: the difference between a fitted classifier's scores of its best class and the second."""

from __future__ import annotations

import copy

import attrs
import numpy as np
import numpy.typing as npt

from mex.errors import Incompatible
from mex.fitted import FittedTarget
from mex.toolkit.perturbation.rules import threshold
from mex.toolkit.tabular.adapters import of_rows
from mex.types import Array, BoolArray, Estimator, FloatArray

UNRANKED = 0.01
"""The largest share of rows whose label may differ from the class of the highest score, for instance at ties."""


@attrs.frozen(eq=False)
class Ranking:
    """The two best classes of each row and the difference of their scores.

    Attributes:
        first, second: indices into the classes, shape (n,).
        lead: the score of the first minus that of the second, at least 0, shape (n,).
    """

    first: npt.NDArray[np.intp]
    second: npt.NDArray[np.intp]
    lead: FloatArray

    @property
    def margin(self) -> FloatArray:
        """The lead with a sign, shape (n,): positive where the first class has the larger index."""
        return np.where(self.first > self.second, self.lead, -self.lead)


@attrs.frozen(eq=False)
class Margins:
    """The ranking of the classes by a fitted classifier's own scores: ``margins(X)``.

    Scores are those of ``decision_function`` (for two classes: 0 and its value), in the units of the fitted model:
    log-odds for a logistic regression, <w, x> + b for a linear model; where a threshold was moved, less the threshold.
    A support vector machine of several classes decides one against one, and its own scores count wins, with a step at
    every boundary; here the score of a class is half of its smallest one-against-one margin, which is continuous. (Far
    out, where three classes may each beat another, the label may be none of the two best.) A model without
    ``decision_function`` is scored by ``predict_proba``, not by log-odds, which are infinite for pure leaves. Scores of
    trees and forests are constant over boxes, so many rows have the same margin; for a tree with pure leaves it is 1
    everywhere.

    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = load_iris(return_X_y=True)
    >>> ranking = Margins.of(LogisticRegression(max_iter=500).fit(X, y))(X[[0, 70]])
    >>> ranking.first, ranking.second, ranking.lead.round(1)
    (array([0, 2]), array([1, 1]), array([4. , 0.2]))
    """

    estimator: Estimator = attrs.field(repr=False)
    method: str
    classes: int
    threshold: float = 0.0

    @classmethod
    def of(cls, model: FittedTarget | Estimator, X: FloatArray | None = None) -> Margins:
        """The margins of a target or an estimator, checked on the rows of ``X``, shape (n, d), if given.

        Raises:
            Incompatible: if the model has no scores or one class only, or its labels are not those of the highest
                scores, nor, of two classes, of a threshold on them.
        """
        target = model if isinstance(model, FittedTarget) else None
        estimator: Estimator = of_rows(target) if target else model
        classes = target.classes if target else getattr(estimator, "classes_", None)
        name, labels = (
            type(target.estimator if target else model).__name__,
            np.asarray([] if classes is None else classes),
        )
        if len(labels) < 2:
            raise Incompatible(f"a margin lies between two classes, and this {name} has {len(labels)}")
        for method in ("decision_function", "predict_proba"):
            if hasattr(estimator, method):
                break
        else:
            raise Incompatible(f"this {name} tells labels only, so how near a row is to its boundary is unknown")
        margins = cls(_one_against_one(estimator) if len(labels) > 2 else estimator, method, len(labels))
        if X is None or not len(X):
            return margins

        def labels_of(X: FloatArray) -> Array:
            return target.answer(X, "label") if target else np.asarray(estimator.predict(X))

        def scored(X: FloatArray) -> tuple[FloatArray, BoolArray]:
            return np.diff(margins.scores(X), axis=1)[:, 0], labels_of(X) == labels[1]

        moved = threshold(scored, X, 0.0, target.domain if target else None) if len(labels) == 2 else 0.0
        placed = attrs.evolve(margins, threshold=moved)
        scores = placed.scores(X)
        ranked = scores.shape == (len(X), len(labels))
        if not ranked or np.mean(labels[scores.argmax(axis=1)] != labels_of(X)) > UNRANKED:
            raise Incompatible(f"the labels of this {name} are not those of its highest scores ({method})")
        return placed

    def scores(self, X: FloatArray) -> FloatArray:
        """The scores of the classes, shape (n, k)."""
        scores = np.array(getattr(self.estimator, self.method)(X), dtype=np.float64)
        if scores.ndim == 1:
            return np.stack([np.zeros(len(X)), scores - self.threshold], axis=1)
        if self.classes == 2:
            scores[:, 1] -= self.threshold
        if not hasattr(_last(self.estimator), "decision_function_shape"):
            return scores
        first, second = np.triu_indices(self.classes, 1)
        pairwise = np.full((len(X), self.classes, self.classes), np.inf)
        pairwise[:, first, second] = scores
        pairwise[:, second, first] = -scores
        return np.asarray(pairwise.min(axis=2) / 2)

    def __call__(self, X: FloatArray) -> Ranking:
        """Rank the classes of the rows of ``X``, shape (n, d)."""
        scores, rows = self.scores(X), np.arange(len(X))
        first = scores.argmax(axis=1)
        best = scores[rows, first]
        scores[rows, first] = -np.inf
        second = scores.argmax(axis=1)
        return Ranking(first, second, best - scores[rows, second])


def _last(estimator: Estimator) -> Estimator:
    """The last step of a pipeline, or the estimator itself."""
    return estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator


def _one_against_one(estimator: Estimator) -> Estimator:
    """The estimator itself; of one that decides one against one, a copy whose scores are those margins."""
    if not hasattr(_last(estimator), "decision_function_shape"):
        return estimator
    copied = copy.copy(estimator)
    if _last(estimator) is not estimator:
        copied.steps = [*estimator.steps[:-1], (estimator.steps[-1][0], copy.copy(_last(estimator)))]
    _last(copied).decision_function_shape = "ovo"
    return copied
