"""Importance-weighted active learning of a forest."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

import attrs
import numpy as np
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

from mex import GeneratorLearner, Incompatible, Knowledge, Learner, Model, Scope
from mex.learner import Steps
from mex.params import above, between, component, doc, one_of, whole
from mex.toolkit.active.iwal import EQUATIONS, query_probability
from mex.toolkit.active.samplers import Sampler, granted, sampler_parameter
from mex.toolkit.estimators import constant
from mex.toolkit.models import learner_over
from mex.types import Array, Estimator, FloatArray
from mex_flip_search.flips import Votes, choices

CHUNK = 256
"""How many elements of the stream are drawn at once, since a forest finds the leaves of many as fast as of few."""


@attrs.frozen(kw_only=True)
class FlipSearch:
    """Importance-weighted active learning (IWAL) of a random forest.

    The n-th row of a stream is asked with a probability that decreases with G_n, the weighted error on the answers so
    far that the forest has to add in order to label this row otherwise. RF'_n is the best forest in which the fewest
    trees vote otherwise in the leaf of the row (:mod:`mex_flip_search.flips`). An answer asked with probability p has
    the weight 1/p. The forest votes by majority, a leaf for its most frequent class. It is refitted when the number of
    answers has grown by the factor ``growth``; in between answers are added to the votes.

    Measured, it saves no queries over passive learning: flipping half of the trees in one leaf each changes almost no
    earlier row, so G_n is nearly 0 and with the usual constants every row is asked. A smaller c0 asks fewer rows of a
    longer stream, but not more informative ones.

    >>> import mex
    >>> from sklearn.datasets import load_breast_cancer
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> forest = RandomForestClassifier(20, random_state=0).fit(X[::2], y[::2])
    >>> family = mex.Family("forest", learner=RandomForestClassifier(20))
    >>> oracle = mex.Oracle(mex.FittedTarget.wrap(forest, domain=mex.Domain.of(X), family=family), budget=300)
    >>> learner = FlipSearch().learner(oracle.knowledge(pool=X[1::2]), np.random.default_rng(0))
    >>> stolen = mex.extract(oracle, learner, snapshots=False)
    >>> stolen.queries, bool(np.mean(stolen.hypothesis.predict(X) == forest.predict(X)) > 0.93)
    (300, True)
    """

    sampler: str = sampler_parameter("near", "where the stream comes from; the paper's is uniform")
    model: Model | None = attrs.field(
        default=None, metadata=component("model", "the forest to fit; by default the public class of f* itself")
    )
    c0: float = attrs.field(
        default=8.0, validator=above(0), metadata=doc("constant of the probability; a smaller one asks less")
    )
    c1: float = attrs.field(
        default=1.0,
        validator=between(1, 100),
        metadata=doc("constant of the probability; 5 + 2 sqrt(2) in the analysis"),
    )
    c2: float = attrs.field(
        default=1.0, validator=between(1, 100), metadata=doc("constant of the probability; 5 in the analysis")
    )
    equation: str = attrs.field(
        default="corrected", validator=one_of(*EQUATIONS), metadata=doc("the equation of the probability")
    )
    start: int = attrs.field(default=20, validator=whole(2), metadata=doc("rows to ask before the first forest"))
    batch: int = attrs.field(default=10, validator=whole(1), metadata=doc("rows to ask at once; 1 is the paper's"))
    growth: float = attrs.field(
        default=1.25, validator=above(1), metadata=doc("refit when the answers have grown by this factor")
    )
    exhaustive: int = attrs.field(
        default=200, validator=whole(0), metadata=doc("try every set of trees to flip if there are at most so many")
    )
    draws: int = attrs.field(
        default=10, validator=whole(0), metadata=doc("otherwise, random sets to try besides a greedy one")
    )
    stream: int = attrs.field(default=20_000, validator=whole(1), metadata=doc("the length of the stream"))

    scope: ClassVar[Scope] = Scope(tasks=("binary", "multiclass"), answers="label")
    paper: ClassVar[str] = "Chandrasekaran et al. 2020, Section 4.3; Beygelzimer, Hsu, Langford and Zhang 2010"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start; refuses where there are no trees to flip, or no pool to draw from."""
        forest = learner_over("flip-search", self.model, knowledge, rng)
        if not isinstance(forest, RandomForestClassifier | ExtraTreesClassifier):
            raise Incompatible(
                f"flip-search flips the trees of a forest, not of a {type(forest).__name__}; give it a model"
            )
        source = granted("flip-search", self.sampler, knowledge, endless=False)
        return _FlipSearch(self, knowledge, rng, source, forest)


class _FlipSearch(GeneratorLearner):
    def __init__(
        self, attack: FlipSearch, known: Knowledge, rng: np.random.Generator, source: Sampler, forest: Estimator
    ) -> None:
        assert known.classes is not None
        self._attack = attack
        self._known = known
        self._rng = rng
        self._source = source
        self._forest = forest
        self._X: FloatArray = np.empty((0, known.domain.n_features))
        self._y: Array = np.empty(0, dtype=known.classes.dtype)
        self._weights: FloatArray = np.empty(0)  # of all rows sent, the last batch included
        self._votes: Votes | None = None
        self._capacity = 0  # how many answers the votes can hold
        self.seen = 0  # elements of the stream
        self.skipped = 0  # those decided on and not asked

    @property
    def note(self) -> str:
        """How many rows of the stream were asked."""
        return f"asked {len(self._y)} of {len(self._y) + self.skipped} rows of the stream" if self.seen else ""

    def steps(self) -> Steps:
        """Decide on one row after the other, and ask those chosen in batches."""
        attack = self._attack
        rows = self._source.draw(self._known, min(attack.start, attack.stream), self._rng)
        self.seen = len(rows)
        yield from self._query(rows, np.ones(len(rows)))
        batch: list[FloatArray] = []
        weights: list[float] = []
        constants = {"c0": attack.c0, "c1": attack.c1, "c2": attack.c2}
        choose = partial(choices, exhaustive=attack.exhaustive, draws=attack.draws, rng=self._rng)
        while self.seen < attack.stream:
            rows = self._source.draw(self._known, min(CHUNK, attack.stream - self.seen), self._rng)
            votes, leaves = None, np.empty((0, 0))
            for i, row in enumerate(rows):
                if self._votes is not votes and self._votes is not None:  # refitted
                    votes, leaves = self._votes, self._votes.leaves(rows)
                self.seen += 1
                gap = 0.0 if votes is None else votes.gap(leaves[:, i], choose) / (self.seen - 1)
                p = float(query_probability(gap, self.seen, **constants, equation=attack.equation))
                if self._rng.random() < p:
                    batch.append(row)
                    weights.append(1 / p)
                else:
                    self.skipped += 1
                if len(batch) == attack.batch:
                    yield from self._query(np.array(batch), np.array(weights))
                    batch, weights = [], []
        if batch:
            yield from self._query(np.array(batch), np.array(weights))

    def _query(self, rows: FloatArray, weights: FloatArray) -> Steps:
        """Ask rows; add the answers to the votes, or refit the forest if there are enough of them."""
        self._weights = np.concatenate([self._weights, weights])
        self.cut(rows, (yield rows))
        attack, n = self._attack, len(self._y)
        if self._votes is not None and n + attack.batch <= self._capacity:
            self._votes.add(rows, self._y[-len(rows) :], weights)
        elif len(np.unique(self._y)) > 1:
            self._capacity = int(attack.growth * n) + attack.batch
            self._votes = Votes(self._fit(), self._X, self._y, self._weights, self._capacity)

    def cut(self, X: FloatArray, answers: Array) -> None:
        """Keep the answers, all or those that the budget left."""
        self._X = np.concatenate([self._X, X])
        self._y = np.concatenate([self._y, answers])

    def _fit(self) -> Estimator:
        return clone(self._forest).fit(self._X, self._y, sample_weight=self._weights[: len(self._y)])

    def hypothesis(self) -> Estimator:
        """A forest fitted to all answers so far."""
        assert self._known.classes is not None
        if len(np.unique(self._y)) > 1:
            return self._fit()
        label = self._y[0] if len(self._y) else self._known.classes[0]
        return constant(label, self._known.domain.n_features)
