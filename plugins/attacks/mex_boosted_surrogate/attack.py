"""A gradient-boosted surrogate with margin sampling."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from mex import Knowledge, Learner, Scope
from mex.params import above, doc, whole
from mex.toolkit.active import schedule
from mex.toolkit.active.boosting import BoostedLearner, Boosting
from mex.toolkit.active.samplers import sampler_parameter


@attrs.frozen(kw_only=True)
class BoostedSurrogate:
    """Fit boosted trees to the answers, ask the candidates with the smallest margin between two classes, repeat.

    For targets that sum many trees, such as forests, whose vote is nearly a sum of functions of a few features each.
    So the surrogate's trees are shallow by default; deeper ones overfit the rows asked. On targets of two features
    ``query-by-committee`` with a forest agrees better.

    Where the interface answers probabilities, boosted regressors learn them, one per class, and the largest is the
    label (:class:`mex.toolkit.active.boosting.ProbabilityRegressor`).

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
        return BoostedLearner("boosted-surrogate", knowledge, rng, schedule.Schedule.of(self), boosting)
