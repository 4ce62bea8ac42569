"""Passive learning: label random rows, then fit a model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar

import attrs
import numpy as np

from mex import Knowledge, Learner, Model, Scope
from mex.params import component, doc, whole
from mex.toolkit.active.samplers import granted, sampler_parameter
from mex.toolkit.active.supervised import SupervisedLearner
from mex.toolkit.tuning import Tuned, regularisation_parameter, tuned
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
        default=None,
        metadata=component(
            "model", "the model to fit; by default the public class of f*, or the usual one of its kind"
        ),
    )
    regularisation: str = regularisation_parameter()
    batch: int = attrs.field(default=10, validator=whole(1), metadata=doc("rows to ask at once"))

    scope: ClassVar[Scope] = Scope(answers=("label", "value"))
    paper: ClassVar[str] = "Chandrasekaran et al. 2020, Section 2.1 and Remark 3"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start; refuses where there is no model to fit, no pool to draw from, or no end."""
        from_pool = self.sampler == "pool"
        source = granted("passive", self.sampler, knowledge, endless=not from_pool)
        learner = tuned("passive", self.model, self.regularisation, knowledge, rng)
        if from_pool and knowledge.pool is not None:
            count = len(knowledge.pool)
        else:
            assert knowledge.budget is not None
            count = knowledge.budget
        pieces = [count] if from_pool else _pieces(count, max(self.batch, AT_ONCE))
        return _Passive(knowledge, lambda n, rng: source.draw(knowledge, n, rng), pieces, self.batch, learner, rng)


def _pieces(count: int, most: int) -> Iterator[int]:
    """Numbers of at most ``most`` that sum to ``count``."""
    while count > 0:
        yield min(count, most)
        count -= most


class _Passive(SupervisedLearner):
    def __init__(
        self,
        known: Knowledge,
        draw: Callable[[int, np.random.Generator], FloatArray],
        pieces: Iterable[int],
        batch: int,
        learner: Tuned,
        rng: np.random.Generator,
    ) -> None:
        """``draw`` gives a piece of the rows to ask, in order; ``learner`` is what is fitted to them."""
        super().__init__(known)
        self._draw = draw
        self._pieces = iter(pieces)
        self._to_ask = draw(next(self._pieces), rng)
        (self._rng,) = rng.spawn(1)  # of its own for what follows: fits draw from the other
        self._batch = batch
        self._learner = learner
        self._before = 0  # rows that were asked before the piece at hand

    def ask(self) -> FloatArray | None:
        if self.asked == self._before + len(self._to_ask):
            piece = next(self._pieces, 0)
            if piece == 0:
                return None
            self._before = self.asked
            self._to_ask = self._draw(piece, self._rng)
        start = self.asked - self._before
        X = self._to_ask[start : start + self._batch]
        return X if len(X) else None

    def fit(self) -> Estimator:
        assert self.answers is not None
        return self._learner.fit(self.X, self.answers)
