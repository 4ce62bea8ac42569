"""Query by committee."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from sklearn.ensemble import BaggingClassifier, ExtraTreesClassifier, RandomForestClassifier

from mex import Knowledge, Learner, Model, Scope
from mex.params import component, doc, one_of, whole
from mex.toolkit.active import schedule
from mex.toolkit.active.batch_mode import BatchModeLearner
from mex.toolkit.active.samplers import sampler_parameter
from mex.toolkit.estimators import reseed
from mex.toolkit.tuning import Tuned, regularisation_parameter, tuned
from mex.types import Array, Estimator, FloatArray

FORESTS = (RandomForestClassifier, ExtraTreesClassifier, BaggingClassifier)
"""Estimators that are committees themselves."""


@attrs.frozen(kw_only=True)
class QueryByCommittee:
    """Fit a committee to resamples of the answers, ask the candidates on which its votes differ most, repeat.

    The committee stands for the version space. Disagreement is the entropy of the votes (Argamon-Engelson and Dagan
    1999) or the share of votes that are not for the winner. The trees of a forest are its committee; any other
    model is fitted to ``members`` bootstrap resamples (Abe and Mamitsuka 1998). The hypothesis is one model
    fitted to all answers.

    >>> import mex
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> tree = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X[::2], y[::2])
    >>> family = mex.Family("tree", learner=DecisionTreeClassifier(max_depth=3))
    >>> oracle = mex.Oracle(mex.FittedTarget.wrap(tree, domain=mex.Domain.of(X), family=family), budget=200)
    >>> attack = QueryByCommittee(growth=0.5)
    >>> learner = attack.learner(oracle.knowledge(pool=X[1::4]), np.random.default_rng(0))
    >>> stolen = mex.extract(oracle, learner, snapshots=False)
    >>> bool(np.mean(stolen.hypothesis.predict(X[3::4]) == tree.predict(X[3::4])) > 0.94)
    True
    """

    sampler: str = sampler_parameter("near")
    model: Model | None = attrs.field(
        default=None,
        metadata=component(
            "model", "the model to fit; by default the public class of f*, or the usual one of its kind"
        ),
    )
    regularisation: str = regularisation_parameter()
    members: int = attrs.field(default=10, validator=whole(2), metadata=doc("models in the committee, unless a forest"))
    measure: str = attrs.field(
        default="entropy",
        validator=one_of("entropy", "minority"),
        metadata=doc("measure of disagreement: entropy of the votes, or the share of votes not for the winner"),
    )
    start: int = schedule.start(20)
    batch: int = schedule.batch(10)
    growth: float = schedule.growth(0.1)
    explore: float = schedule.explore(0.25)
    candidates: int = schedule.candidates(2000)

    scope: ClassVar[Scope] = Scope(tasks=("binary", "multiclass"), answers="label")
    paper: ClassVar[str] = "Seung, Opper and Sompolinsky 1992; Abe and Mamitsuka 1998"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start; refuses where there is no model to fit, no pool to draw from, or no end."""
        learner = tuned("query-by-committee", self.model, self.regularisation, knowledge, rng)
        return _Committee(self, knowledge, rng, learner)


class _Committee(BatchModeLearner):
    def __init__(self, attack: QueryByCommittee, known: Knowledge, rng: np.random.Generator, learner: Tuned) -> None:
        super().__init__("query-by-committee", known, rng, schedule.Schedule.of(attack))
        self._attack = attack
        self._learner = learner

    def fit(self) -> Estimator:
        assert self.answers is not None
        return self._learner.fit(self.X, self.answers)

    def choose(self, fitted: Estimator, rows: FloatArray, n: int) -> Array:
        shares = self._votes(fitted, rows)
        if self._attack.measure == "minority":
            disagreement = 1 - shares.max(axis=1)
        else:
            disagreement = -(shares * np.log(np.where(shares > 0, shares, 1))).sum(axis=1)
        return np.argsort(-disagreement, kind="stable")[:n]

    def _votes(self, fitted: Estimator, rows: FloatArray) -> FloatArray:
        """The share of the votes for each class, shape (n, classes)."""
        if isinstance(fitted, FORESTS):
            return votes_of(fitted, rows)
        labels, estimator = self.labels, self._learner.estimator(self.X, self.labels)
        votes = []
        for _ in range(self._attack.members):
            resample = self.rng.integers(len(labels), size=len(labels))
            if len(np.unique(labels[resample])) > 1:
                member = reseed(estimator, self.rng).fit(self.X[resample], labels[resample])
                votes.append(member.predict(rows))
            else:
                votes.append(np.full(len(rows), labels[resample[0]]))
        return np.stack([(np.array(votes) == label).mean(axis=0) for label in np.unique(labels)], axis=1)


def votes_of(forest: Estimator, rows: FloatArray) -> FloatArray:
    """The share of the members of a forest that vote for each class, shape (n, classes).

    Its ``predict_proba`` is another thing, the mean of the shares in the members' leaves: a member votes for one class.
    """
    columns = getattr(forest, "estimators_features_", None) or [slice(None)] * len(forest.estimators_)
    # Members are fitted to the places of the labels among the classes.
    votes = np.array([tree.predict(rows[:, own]) for tree, own in zip(forest.estimators_, columns, strict=True)])
    return np.stack([(votes == place).mean(axis=0) for place in range(len(forest.classes_))], axis=1)
