"""A gradient-boosted surrogate with margin sampling."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from sklearn.base import clone

from mex import Knowledge, Learner, Scope
from mex.params import above, boolean, doc, whole
from mex.toolkit.active import schedule
from mex.toolkit.active.boosting import BoostedLearner, Boosting
from mex.toolkit.active.samplers import sampler_parameter
from mex.toolkit.contest import Fit
from mex.toolkit.estimators import random_state
from mex.toolkit.tuning import tuned
from mex.types import Estimator
from mex_boosted_surrogate.learner import SeveralLearner
from mex_boosted_surrogate.students import LaplacianMachine, ScoreSum

DEEP, DEEP_TREES, DEEP_RATE, DEEP_FEATURES = 5, 0.75, 0.6, 0.15
"""Of the deep trees: the least depth, how many and the learning rate as shares of the others', features of a split."""


@attrs.frozen(kw_only=True)
class BoostedSurrogate:
    """Fit boosted trees to the answers, ask the candidates with the smallest margin between two classes, repeat.

    For targets that sum many trees, such as forests. From labels three models compete: deep boosted trees together with
    a kernel machine, whose errors differ (:mod:`mex_boosted_surrogate.students`); shallow boosted trees, for a target
    that is nearly a sum of functions of a few features each; and the public class, as ``passive`` fits it. The one that
    has been right most often on the random rows of later batches is fitted.

    Where the interface answers probabilities, boosted regressors learn them, one per class, and the largest is the
    label (:class:`mex.toolkit.active.boosting.ProbabilityRegressor`).

    >>> import mex
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> forest = RandomForestClassifier(50, random_state=0).fit(X[::2], y[::2])
    >>> oracle = mex.Oracle(mex.FittedTarget.wrap(forest, domain=mex.Domain.of(X)), budget=150)
    >>> attack = BoostedSurrogate(trees=60)
    >>> learner = attack.learner(oracle.knowledge(pool=X[1::4]), np.random.default_rng(0))
    >>> stolen = mex.extract(oracle, learner, snapshots=False)
    >>> bool(np.mean(stolen.hypothesis.predict(X[3::4]) == forest.predict(X[3::4])) > 0.9)
    True
    """

    sampler: str = sampler_parameter("near")
    trees: int = attrs.field(
        default=400,
        validator=whole(1),
        metadata=doc("trees in all, divided among several classes, at least 100 each"),
    )
    max_depth: int = attrs.field(default=2, validator=whole(1), metadata=doc("depth of each tree"))
    learning_rate: float = attrs.field(default=0.1, validator=above(0), metadata=doc("factor on each tree"))
    min_samples_leaf: int = attrs.field(
        default=10,
        validator=whole(1),
        metadata=doc("fewest rows in a leaf; with more, a wrong label matters less"),
    )
    several: bool = attrs.field(
        default=True,
        validator=boolean(),
        metadata=doc("from labels, let other models compete; without, the boosted trees of these parameters alone"),
    )
    start: int = schedule.start(50)
    batch: int = schedule.batch(20)
    growth: float = schedule.growth(0.25)
    explore: float = schedule.explore(0.25)
    candidates: int = schedule.candidates(4000)

    scope: ClassVar[Scope] = Scope(tasks=("binary", "multiclass"), answers=("label", "proba"))
    paper: ClassVar[str] = "Friedman 2001; Lewis and Gale 1994; Tramèr et al. 2016, Section 6 (adaptive retraining)"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start; refuses where there is no pool to draw from, or no end to the asking."""
        boosting = Boosting(**{field.name: getattr(self, field.name) for field in attrs.fields(Boosting)})
        plan = schedule.Schedule.of(self)
        if knowledge.answers == "proba" or not self.several:
            return BoostedLearner("boosted-surrogate", knowledge, rng, plan, boosting)
        shallow = boosting.estimator(knowledge, random_state(rng))
        machine = LaplacianMachine(random_state=random_state(rng))
        deep = ScoreSum([self._deep(boosting, knowledge, rng), machine])
        fits: dict[str, Fit] = {
            "deep": lambda X, y: clone(deep).fit(X, y),
            "shallow": lambda X, y: clone(shallow).fit(X, y),
            "public": tuned("boosted-surrogate", None, "adapted", knowledge, rng).fit,
        }
        return SeveralLearner("boosted-surrogate", knowledge, rng, plan, fits)

    def _deep(self, boosting: Boosting, knowledge: Knowledge, rng: np.random.Generator) -> Estimator:
        """Deep trees, fewer of them and slower, each split among few of the features: they vary, and are summed."""
        deep = attrs.evolve(
            boosting,
            trees=max(1, int(DEEP_TREES * boosting.trees)),
            max_depth=max(DEEP, boosting.max_depth),
            learning_rate=DEEP_RATE * boosting.learning_rate,
            min_samples_leaf=max(1, boosting.min_samples_leaf // 2),
        )
        return deep.estimator(knowledge, random_state(rng)).set_params(max_features=DEEP_FEATURES)
