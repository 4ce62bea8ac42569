"""A decision tree from labels alone, on the distribution of the data."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from mex import Knowledge, Learner, Scope
from mex.params import between, doc, whole
from mex.toolkit.active.samplers import granted, sampler_parameter
from mex.toolkit.trees.near_data import NearDataLearner, Settings
from mex.toolkit.trees.thresholds import Thresholds


@attrs.frozen(kw_only=True)
class ThresholdCart:
    """Find thresholds by bisection between rows of different labels, and grow a small tree over them.

    Rows are drawn near the data. Rows that no known threshold separates form a cell; where a cell has two labels, the
    search between two of its rows (:func:`.find_threshold`) finds a threshold for log2 d + b queries. Otherwise a batch
    is asked, most of it chosen by the disagreement of a small random forest over the features and the thresholds, and
    where the tree so far is wrong, a search between that row and the nearest of its leaf finds what the leaf lacks.
    Bisection is at the pool's values, and at first it is rough: where few of the rows asked would lie between the ends
    of an interval, more queries for it are not worth it yet, so b grows with the queries.

    The hypothesis is a random forest over the features and the thresholds, which from few answers mostly predicts a
    tree better than a tree does; CART, as ``passive`` fits it, where that predicts answers left out of its fit surely
    better; or the tree over the thresholds that :func:`.grow` makes, as soon as that has predicted the latest batches
    better. Of targets whose thresholds cannot all be found, such as trees grown without limit on noise, the forest
    stays ahead.

    It holds near the data; ``tree-labels`` is for the whole domain. If labels are wrong with a known
    probability, a cell counts as mixed only if that does not explain its labels, leaves hold enough rows for a
    majority, and a tree that is wrong somewhere is no reason for a search. Inside ``majority-vote`` labels are right
    again.

    >>> import mex
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> tree = DecisionTreeClassifier(random_state=0).fit(X[::2], y[::2])
    >>> target = mex.FittedTarget.wrap(tree, domain=mex.Domain.of(X), family=mex.Family("tree"))
    >>> oracle = mex.Oracle(target, budget=400)
    >>> learner = ThresholdCart().learner(oracle.knowledge(pool=X[1::4]), np.random.default_rng(0))
    >>> stolen = mex.extract(oracle, learner, snapshots=False)
    >>> bool(np.mean(stolen.hypothesis.predict(X[3::4]) == tree.predict(X[3::4])) > 0.97)
    True
    """

    sampler: str = sampler_parameter("near", "where rows come from, except those of the search for thresholds")
    start: int = attrs.field(default=60, validator=whole(1), metadata=doc("random rows to ask first"))
    batch: int = attrs.field(default=25, validator=whole(2), metadata=doc("fewest rows of a batch"))
    candidates: int = attrs.field(default=1500, validator=whole(1), metadata=doc("rows to choose each batch from"))
    committee: int = attrs.field(
        default=20, validator=whole(2), metadata=doc("trees of the random forest by whose disagreement rows are chosen")
    )
    look: int = attrs.field(
        default=20, validator=whole(1), metadata=doc("thresholds that are tried out for each split; 1 is plain CART")
    )
    spare: float = attrs.field(
        default=1.0,
        validator=between(0, 1000),
        metadata=doc("rows that the interval of a threshold may hold, of as many of the pool as were asked; 0 is none"),
    )
    bits: int = attrs.field(
        default=4,
        validator=whole(0),
        metadata=doc("halvings of the interval between two neighbouring values of the pool; 40 is exact"),
    )

    scope: ClassVar[Scope] = Scope(tasks=("binary", "multiclass"), families=("tree",), answers="label")
    paper: ClassVar[str] = "ours; trees are Breiman et al. 1984, forests Breiman 2001"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start; refuses where a feature has no bounds, and where there is no pool to draw from or no end."""
        source = granted("threshold-cart", self.sampler, knowledge, endless=True)
        return NearDataLearner(Settings.of(self), knowledge, rng, source, Thresholds(knowledge.domain))
