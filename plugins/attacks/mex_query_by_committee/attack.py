"""Query by committee."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from sklearn.base import clone
from sklearn.ensemble import BaggingClassifier, ExtraTreesClassifier, RandomForestClassifier

from mex import Knowledge, Learner, Model, Scope
from mex.params import between, component, doc, one_of, whole
from mex.toolkit.active.batch_mode import Rounds, Schedule
from mex.toolkit.active.samplers import SAMPLERS
from mex.toolkit.estimators import reseed
from mex.toolkit.models import learner_over
from mex.types import Array, Estimator, FloatArray

FORESTS = (RandomForestClassifier, ExtraTreesClassifier, BaggingClassifier)
"""Estimators that are a committee already: the shares of their members' votes are what they predict."""


@attrs.frozen(kw_only=True)
class QueryByCommittee:
    """Fit a committee to resamples of the answers, ask the candidates on which its votes differ most.

    The version space in a few samples: where all models that fit the answers agree, one more tells
    nothing. Disagreement is the entropy of the votes (Argamon-Engelson and Dagan 1999) or the share that
    is not for the winner. A forest is a committee by itself: its own trees vote. Of any other model
    there are ``members``, each fitted to a bootstrap resample (Abe and Mamitsuka 1998). The hypothesis is one
    model fitted to all answers. Probabilities are used for their most probable label.

    >>> import mex
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> tree = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X[::2], y[::2])
    >>> family = mex.Family("tree", learner=DecisionTreeClassifier(max_depth=3))
    >>> oracle = mex.Oracle(mex.FittedTarget.wrap(tree, domain=mex.Domain.of(X), family=family), budget=200)
    >>> attack = QueryByCommittee(growth=0.5)
    >>> stolen = mex.extract(oracle, attack.learner(oracle.knowledge(pool=X[1::4]), np.random.default_rng(0)))
    >>> bool(np.mean(stolen.hypothesis.predict(X[3::4]) == tree.predict(X[3::4])) > 0.94)
    True
    """

    sampler: str = attrs.field(
        default="near", validator=one_of(*SAMPLERS), metadata=doc("where the candidates come from")
    )
    model: Model | None = attrs.field(
        default=None, metadata=component("model", "the model to fit; by default the public class of f* itself")
    )
    members: int = attrs.field(default=10, validator=whole(2), metadata=doc("models in the committee, unless a forest"))
    measure: str = attrs.field(
        default="entropy",
        validator=one_of("entropy", "minority"),
        metadata=doc("what disagreement is: the entropy of the votes, or the share that is not for the winner"),
    )
    start: int = attrs.field(default=20, validator=whole(2), metadata=doc("random rows to ask first"))
    batch: int = attrs.field(default=10, validator=whole(1), metadata=doc("rows of a round at least"))
    growth: float = attrs.field(
        default=0.1, validator=between(0, 10), metadata=doc("rows of a round as a share of the answers so far")
    )
    explore: float = attrs.field(default=0.25, validator=between(0, 1), metadata=doc("share of a round that is random"))
    candidates: int = attrs.field(
        default=2000, validator=whole(1), metadata=doc("rows to choose from in each round, unless they are the pool")
    )

    scope: ClassVar[Scope] = Scope(tasks=("binary", "multiclass"), answers=("label", "proba"))
    paper: ClassVar[str] = "Seung, Opper and Sompolinsky 1992; Abe and Mamitsuka 1998"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start; refuses where there is no learner to fit, no pool to draw from, or no end."""
        return _Committee(self, knowledge, rng, learner_over("query-by-committee", self.model, knowledge, rng))


class _Committee(Rounds):
    def __init__(
        self, attack: QueryByCommittee, known: Knowledge, rng: np.random.Generator, estimator: Estimator
    ) -> None:
        super().__init__("query-by-committee", known, rng, Schedule.of(attack))
        self._attack, self._estimator = attack, estimator

    def fit(self) -> Estimator:
        """One model of all answers."""
        return clone(self._estimator).fit(self.X, self.labels)

    def choose(self, fitted: Estimator, rows: FloatArray, n: int) -> Array:
        """The rows with the most disagreement; among equals at random, since candidates are in random order."""
        shares = self._votes(fitted, rows)
        if self._attack.measure == "minority":
            disagreement = 1 - shares.max(axis=1)
        else:
            disagreement = -(shares * np.log(np.where(shares > 0, shares, 1))).sum(axis=1)
        return np.argsort(-disagreement, kind="stable")[:n]

    def _votes(self, fitted: Estimator, rows: FloatArray) -> FloatArray:
        """The share of the votes for each class, shape (n, classes)."""
        if isinstance(fitted, FORESTS):
            return np.asarray(fitted.predict_proba(rows))
        labels = self.labels
        votes = []
        for _ in range(self._attack.members):
            chosen = self.rng.integers(len(labels), size=len(labels))
            if len(np.unique(labels[chosen])) > 1:
                votes.append(reseed(self._estimator, self.rng).fit(self.X[chosen], labels[chosen]).predict(rows))
            else:
                votes.append(np.full(len(rows), labels[chosen[0]]))
        return np.stack([(np.array(votes) == label).mean(axis=0) for label in np.unique(labels)], axis=1)
