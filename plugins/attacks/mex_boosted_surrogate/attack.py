"""A gradient-boosted surrogate that asks where it is least sure."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier

from mex import Knowledge, Learner, Scope
from mex.models import random_state
from mex.params import above, between, doc, one_of, whole
from mex.rounds import Rounds, Schedule
from mex.samplers import SAMPLERS
from mex.types import Array, Estimator, FloatArray


@attrs.frozen(kw_only=True)
class BoostedSurrogate:
    """Fit boosted trees to the answers, ask the candidates on which two classes are closest, fit again.

    For targets that are sums of many trees, a forest above all: a sum of small trees comes nearer to
    the vote of large ones than another forest does, from the same answers. The trees are shallow: a
    forest's vote is nearly a sum of what few features say at a time, and deep trees fit the rows asked
    instead. Part of each round is random, so that no region is left out for good.

    Probabilities are used whole: each answer is a row per class, weighted by its probability, which makes
    the loss the cross-entropy to the target's.

    >>> import mex
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> forest = RandomForestClassifier(50, random_state=0).fit(X[::2], y[::2])
    >>> oracle = mex.Oracle(mex.FittedTarget.wrap(forest, domain=mex.Domain.of(X)), budget=300)
    >>> attack = BoostedSurrogate(trees=100)
    >>> stolen = mex.extract(oracle, attack.learner(oracle.knowledge(pool=X[1::4]), np.random.default_rng(0)))
    >>> bool(np.mean(stolen.hypothesis.predict(X[3::4]) == forest.predict(X[3::4])) > 0.9)
    True
    """

    sampler: str = attrs.field(
        default="near", validator=one_of(*SAMPLERS), metadata=doc("where the candidates come from")
    )
    trees: int = attrs.field(
        default=400, validator=whole(1), metadata=doc("trees in all; several classes share them, 100 each at least")
    )
    max_depth: int = attrs.field(default=2, validator=whole(1), metadata=doc("depth of each tree"))
    learning_rate: float = attrs.field(default=0.1, validator=above(0), metadata=doc("what each tree is scaled by"))
    min_samples_leaf: int = attrs.field(
        default=10, validator=whole(1), metadata=doc("fewest rows in a leaf; the more, the less a wrong label matters")
    )
    start: int = attrs.field(default=50, validator=whole(2), metadata=doc("random rows to ask first"))
    batch: int = attrs.field(default=20, validator=whole(1), metadata=doc("rows of a round at least"))
    growth: float = attrs.field(
        default=0.25, validator=between(0, 10), metadata=doc("rows of a round as a share of the answers so far")
    )
    explore: float = attrs.field(default=0.25, validator=between(0, 1), metadata=doc("share of a round that is random"))
    candidates: int = attrs.field(
        default=4000, validator=whole(1), metadata=doc("rows to choose from in each round, unless they are the pool")
    )

    scope: ClassVar[Scope] = Scope(tasks=("binary", "multiclass"), answers=("label", "proba"))
    paper: ClassVar[str] = "Friedman 2001; Lewis and Gale 1994; Tramèr et al. 2016, Section 5 (adaptive retraining)"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start; refuses where there is no pool to draw from, or no end to the asking."""
        return _Surrogate(self, knowledge, rng)


class _Surrogate(Rounds):
    def __init__(self, attack: BoostedSurrogate, known: Knowledge, rng: np.random.Generator) -> None:
        super().__init__("boosted-surrogate", known, rng, Schedule.of(attack))
        assert known.classes is not None
        k = len(known.classes)
        self._estimator = HistGradientBoostingClassifier(
            max_iter=attack.trees if k == 2 else max(100, attack.trees // k),
            max_depth=attack.max_depth,
            learning_rate=attack.learning_rate,
            min_samples_leaf=attack.min_samples_leaf,
            early_stopping=False,
            random_state=random_state(rng),
        )

    def fit(self) -> Estimator:
        """Boosted trees, to labels or to probabilities."""
        if self.answers is not None and self.answers.ndim == 2:
            row, label = np.nonzero(self.answers > 0)
            assert self.known.classes is not None
            weights = self.answers[row, label]
            return clone(self._estimator).fit(self.X[row], self.known.classes[label], sample_weight=weights)
        return clone(self._estimator).fit(self.X, self.labels)

    def choose(self, fitted: Estimator, rows: FloatArray, n: int) -> Array:
        """The rows with the least lead of the best class over the second."""
        scores = np.asarray(fitted.decision_function(rows))
        if scores.ndim == 1:
            lead = np.abs(scores)
        else:
            best = np.partition(scores, -2, axis=1)
            lead = best[:, -1] - best[:, -2]
        return np.argsort(lead, kind="stable")[:n]
