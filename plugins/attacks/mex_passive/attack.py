"""Passive learning: the baseline that every active attack has to beat."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from sklearn.base import clone

from mex import Incompatible, Knowledge, Learner, Model, Scope
from mex.params import component, doc, one_of, whole
from mex.target import refusals
from mex.toolkit.active.samplers import SAMPLERS, sampler
from mex.toolkit.estimators import constant
from mex.toolkit.models import learner_over
from mex.types import Array, Estimator, FloatArray


@attrs.frozen(kw_only=True)
class Passive:
    """Ask random points, then fit a learner to the answers: empirical risk minimisation.

    The PAC scenario of the paper (Section 2.1), where a halfspace takes O(d/eps log 1/eps) labels and
    query synthesis O(d log 1/eps). From the pool it asks each row once and is then done; from elsewhere
    it goes on until the budget is spent. Probabilities are used for their most probable label.

    >>> import mex
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> family = mex.Family("tree", learner=DecisionTreeClassifier())
    >>> tree = DecisionTreeClassifier(random_state=0).fit(X, y)
    >>> oracle = mex.Oracle(mex.FittedTarget.wrap(tree, domain=mex.Domain.of(X), family=family), budget=300)
    >>> learner = Passive().learner(oracle.knowledge(pool=X[::2]), np.random.default_rng(0))
    >>> stolen = mex.extract(oracle, learner)
    >>> stolen.queries, stolen.stopped, float(np.mean(stolen.hypothesis.predict(X) == tree.predict(X)).round(2))
    (285, 'done', 0.95)
    """

    sampler: str = attrs.field(default="pool", validator=one_of(*SAMPLERS), metadata=doc("where the points come from"))
    model: Model | None = attrs.field(
        default=None, metadata=component("model", "the model to fit; by default the public class of f* itself")
    )
    batch: int = attrs.field(default=10, validator=whole(1), metadata=doc("rows to ask at once"))

    scope: ClassVar[Scope] = Scope(answers=("label", "proba", "value"))
    paper: ClassVar[str] = "Chandrasekaran et al. 2020, Section 2.1 and Remark 3"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start; refuses where there is no learner to fit, no pool to draw from, or no end."""
        source = sampler(self.sampler)
        estimator = learner_over("passive", self.model, knowledge, rng)
        if self.sampler == "pool":
            if knowledge.pool is None:
                raise Incompatible("passive draws from the pool, and this scenario grants none; give it a sampler")
            count = len(knowledge.pool)
        elif knowledge.budget is None:
            raise Incompatible("passive asks until a budget is spent, and this scenario sets none")
        else:
            count = knowledge.budget
        return _Passive(knowledge, source.draw(knowledge, count, rng), self.batch, estimator)


class _Passive:
    takes_refusals = True
    """A row is as good as the next: one that is refused is not asked again."""

    def __init__(self, known: Knowledge, X: FloatArray, batch: int, estimator: Estimator) -> None:
        self._known, self._X, self._batch, self._estimator = known, X, batch, estimator
        self._told = 0
        self._rows: list[FloatArray] = []
        self._labels: list[Array] = []

    def ask(self) -> FloatArray | None:
        X = self._X[self._told : self._told + self._batch]
        return X if len(X) else None

    def tell(self, X: FloatArray, answers: Array) -> None:
        self._told += len(X)
        answered = ~refusals(answers)
        if not answered.any():
            return
        given = np.ma.getdata(answers)[answered]
        if self._known.answers == "proba" and self._known.classes is not None:
            given = self._known.classes[np.argmax(given, axis=1)]
        self._rows.append(X[answered])
        self._labels.append(given)

    def hypothesis(self) -> Estimator:
        classes = self._known.classes
        if not self._labels:
            return constant(0.0 if classes is None else classes[0], self._known.domain.n_features, classes is None)
        y = np.concatenate(self._labels)
        if classes is not None and len(np.unique(y)) == 1:
            return constant(y[0], self._known.domain.n_features)
        return clone(self._estimator).fit(np.concatenate(self._rows), y)
