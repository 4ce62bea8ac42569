"""Passive learning: label random rows, then fit a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import attrs
import numpy as np
from sklearn.base import clone

from mex import Knowledge, Learner, Model, Scope
from mex.params import component, doc, whole
from mex.toolkit.active.samplers import granted, sampler_parameter
from mex.toolkit.active.supervised import SupervisedLearner
from mex.toolkit.models import learner_over
from mex.types import Estimator, FloatArray

AT_ONCE = 16384
"""How many rows are drawn at once, unless they are a pool: a budget may have more than memory."""


@attrs.frozen(kw_only=True)
class Passive:
    """Ask random rows and fit a model to the answers (empirical risk minimisation): the baseline of active attacks.

    The PAC scenario of the paper (Section 2.1), in which a halfspace takes O(d/eps log 1/eps) labels. Each row of
    the pool is asked once and ends the attack; other samplers are asked until the budget is spent.

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

    sampler: str = sampler_parameter("pool", "where the rows come from")
    model: Model | None = attrs.field(
        default=None, metadata=component("model", "the model to fit; by default the public class of f* itself")
    )
    batch: int = attrs.field(default=10, validator=whole(1), metadata=doc("rows to ask at once"))

    scope: ClassVar[Scope] = Scope(answers=("label", "value"))
    paper: ClassVar[str] = "Chandrasekaran et al. 2020, Section 2.1 and Remark 3"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start; refuses where there is no model to fit, no pool to draw from, or no end."""
        from_pool = self.sampler == "pool"
        source = granted("passive", self.sampler, knowledge, endless=not from_pool)
        estimator = learner_over("passive", self.model, knowledge, rng)
        if from_pool and knowledge.pool is not None:
            count = len(knowledge.pool)
        else:
            assert knowledge.budget is not None
            count = knowledge.budget
        drawn_at_once = count if from_pool else max(self.batch, AT_ONCE)
        return _Passive(
            knowledge, lambda n: source.draw(knowledge, n, rng), count, drawn_at_once, self.batch, estimator
        )


class _Passive(SupervisedLearner):
    def __init__(
        self,
        known: Knowledge,
        draw: Callable[[int], FloatArray],
        count: int,
        drawn_at_once: int,
        batch: int,
        estimator: Estimator,
    ) -> None:
        """``draw`` gives so many of the ``count`` rows to ask, in order; ``estimator`` is the unfitted model."""
        super().__init__(known)
        self._draw = draw
        self._left = count
        self._at_once = drawn_at_once
        self._batch = batch
        self._estimator = estimator
        self._before = 0  # rows that were asked before those that are drawn
        self._to_ask = np.empty((0, known.domain.n_features))

    def ask(self) -> FloatArray | None:
        if self.asked == self._before + len(self._to_ask):
            n = min(self._left, self._at_once)
            if n == 0:
                return None
            self._before, self._to_ask = self.asked, self._draw(n)
            self._left -= n
        start = self.asked - self._before
        X = self._to_ask[start : start + self._batch]
        return X if len(X) else None

    def fit(self) -> Estimator:
        return clone(self._estimator).fit(self.X, self.answers)
