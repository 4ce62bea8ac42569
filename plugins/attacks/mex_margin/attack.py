"""Uncertainty sampling: the active learner that most people would reach for."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from sklearn.base import clone

from mex import Incompatible, Knowledge, Learner, Model, Scope
from mex.params import component, doc, one_of, whole
from mex.target import refusals
from mex.toolkit.active.samplers import SAMPLERS, Sampler, sampler
from mex.toolkit.estimators import constant
from mex.toolkit.models import learner_over
from mex.types import Array, Estimator, FloatArray


@attrs.frozen(kw_only=True)
class Margin:
    """Fit a model to the answers, ask the candidate it is least sure of, refit.

    Margin sampling (Scheffer, Decomain and Wrobel 2001): the smallest |decision function| of two classes, the
    smallest lead of the best class over the second of several. Candidates come from the pool, each row asked
    once, or are drawn anew for each round by another sampler. The first ``start`` rows are drawn at random, and
    more as long as they show one label only. The model is refitted once per batch.

    >>> import mex
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.preprocessing import scale
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X = scale(X)
    >>> family = mex.Family("linear", learner=LogisticRegression())
    >>> target = mex.FittedTarget.wrap(LogisticRegression().fit(X[::2], y[::2]), family=family)
    >>> oracle = mex.Oracle(target, budget=60)
    >>> stolen = mex.extract(oracle, Margin().learner(oracle.knowledge(pool=X[1::4]), np.random.default_rng(0)))
    >>> bool(np.mean(stolen.hypothesis.predict(X[3::4]) == target.answer(X[3::4], "label")) > 0.95)
    True
    """

    sampler: str = attrs.field(
        default="pool", validator=one_of(*SAMPLERS), metadata=doc("where the candidates come from")
    )
    model: Model | None = attrs.field(
        default=None, metadata=component("model", "the model to fit; by default the public class of f* itself")
    )
    start: int = attrs.field(default=10, validator=whole(2), metadata=doc("random rows to ask first"))
    batch: int = attrs.field(default=1, validator=whole(1), metadata=doc("rows to ask between two fits"))
    candidates: int = attrs.field(
        default=1000, validator=whole(1), metadata=doc("rows to choose from in each round, unless they are the pool")
    )

    scope: ClassVar[Scope] = Scope(tasks=("binary", "multiclass"), answers="label")
    paper: ClassVar[str] = "Scheffer, Decomain and Wrobel 2001; Chandrasekaran et al. 2020, Section 2.1"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start; refuses where there is no learner to fit, no pool to draw from, or no end."""
        estimator = learner_over("margin", self.model, knowledge, rng)
        if self.sampler == "pool" and knowledge.pool is None:
            raise Incompatible("margin draws from the pool, and this scenario grants none; give it a sampler")
        if self.sampler != "pool" and knowledge.budget is None:
            raise Incompatible("margin asks until a budget is spent, and this scenario sets none")
        return _Margin(self, knowledge, rng, sampler(self.sampler), estimator)


class _Margin:
    takes_refusals = True
    """A row that is refused is not asked again: the next is nearly as unsure."""

    def __init__(
        self, attack: Margin, known: Knowledge, rng: np.random.Generator, source: Sampler, estimator: Estimator
    ) -> None:
        assert known.classes is not None
        self._attack, self._known, self._rng, self._source = attack, known, rng, source
        self._classes, self._estimator = known.classes, estimator
        self._X, self._y = np.empty((0, known.domain.n_features)), np.empty(0, dtype=known.classes.dtype)
        self._left = None
        if attack.sampler == "pool" and known.pool is not None:
            self._left = known.pool[rng.permutation(len(known.pool))]
        self._fitted: Estimator | None = None
        self._pending = self._choose()

    def ask(self) -> FloatArray | None:
        return self._pending if len(self._pending) else None

    def tell(self, X: FloatArray, answers: Array) -> None:
        answered = ~refusals(answers)
        if answered.any():
            self._X = np.concatenate([self._X, X[answered]])
            self._y = np.concatenate([self._y, np.ma.getdata(answers)[answered]])
        if len(np.unique(self._y)) > 1:
            self._fitted = clone(self._estimator).fit(self._X, self._y)
        self._pending = self._choose()

    def _choose(self) -> FloatArray:
        """The next rows: at random as long as there is nothing to be unsure with, then the least sure."""
        n = self._attack.start if len(self._X) == 0 else self._attack.batch
        rows = (
            self._left if self._left is not None else self._source.draw(self._known, self._attack.candidates, self._rng)
        )
        chosen = np.arange(min(n, len(rows)))
        if self._fitted is not None and len(rows):
            chosen = np.argsort(lead(self._fitted, rows), kind="stable")[:n]
        if self._left is not None:
            self._left = np.delete(rows, chosen, axis=0)
        return np.asarray(rows[chosen])

    def hypothesis(self) -> Estimator:
        if self._fitted is not None:
            return self._fitted
        label = self._y[0] if len(self._y) else self._classes[0]
        return constant(label, self._known.domain.n_features)


def lead(fitted: Estimator, X: FloatArray) -> FloatArray:
    """How far the best class of each row is ahead of the second, shape (n,)."""
    if hasattr(fitted, "decision_function"):
        scores = np.asarray(fitted.decision_function(X))
        if scores.ndim == 1:
            return np.asarray(np.abs(scores))
    else:
        scores = np.asarray(fitted.predict_proba(X))
    best = np.sort(scores, axis=1)
    return np.asarray(best[:, -1] - best[:, -2])
