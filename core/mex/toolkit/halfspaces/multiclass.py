"""Linear models of several classes, learned one pair of classes at a time.

A linear model of k classes answers the class of the largest of k affine scores. The boundary between two classes is the
halfspace of the difference of their scores, which a learner of halfspaces finds up to a positive factor. A spanning
tree of pairs of classes that meet gives all differences; the factors follow from further boundary points, at each of
which two scores are equal.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Any

import numpy as np

from mex.errors import Incompatible
from mex.knowledge import Knowledge
from mex.learner import GeneratorLearner, Steps
from mex.toolkit.estimators import constant, linear_classifier
from mex.toolkit.halfspaces.adapter import DirectionLearner
from mex.toolkit.halfspaces.charts import CentredChart
from mex.toolkit.halfspaces.scores import Edge, Meeting, assemble, spanning_tree
from mex.types import Array, Estimator, FloatArray

PATIENCE = 200
"""How many rows one after the other may show no new class before the search for classes ends."""
SMALLEST = 1e-6
"""The smallest neighbourhood of a boundary point, as a share of the box, in which a pair of classes is learned."""
WALKS = 8
"""How many walks at most are made for meetings that determine the factors."""


class PairwiseLearner(GeneratorLearner):
    """A learner of a linear model of several classes, made of learners of directions for pairs of classes.

    Args:
        known: what the attacker knows; the target is linear and answers labels without noise.
        rng: for the search for the classes and for the learners.
        start: makes a learner of directions, given the dimension and a generator.
        eps: the geometric error aimed at for each pair.

    Raises:
        Incompatible: if labels may be wrong, or a feature is not continuous.
    """

    def __init__(
        self,
        known: Knowledge,
        rng: np.random.Generator,
        start: Callable[[int, np.random.Generator], DirectionLearner],
        eps: float = 1e-8,
    ) -> None:
        assert known.classes is not None
        domain = known.domain
        if known.rho != 0:
            raise Incompatible("on several classes it needs answers without noise")
        if domain.discrete[domain.lower < domain.upper].any():
            raise Incompatible("on several classes it needs continuous features")
        self._known = known
        self._rng = rng
        self._start = start
        self._eps = max(eps, 1e-13)
        self._index: dict[Any, int] = {label: i for i, label in enumerate(known.classes.tolist())}
        self._examples: dict[int, FloatArray] = {}
        self._meetings: list[Meeting] = []
        self._differences: dict[Edge, FloatArray] = {}
        self.note = ""

    def steps(self) -> Steps:
        """Find a row of each class, points where classes meet, and the difference of scores for each edge of a tree."""
        yield from self._find_classes()
        yield from self._find_meetings()
        for _ in range(WALKS):
            for meeting in spanning_tree(self._examples, self._meetings):
                if meeting.edge not in self._differences:
                    yield from self._learn(meeting)
            if len(self._examples) < 2 or self._scores()[1] == 0 or not (yield from self._walk_to_new_meeting()):
                break

    def _find_classes(self) -> Steps:
        without_news = 0
        for row in self._rows():
            label = self._index[(yield row[None]).tolist()[0]]
            without_news = without_news + 1 if label in self._examples else 0
            self._examples.setdefault(label, row)
            if len(self._examples) == len(self._index) or without_news >= PATIENCE:
                break

    def _rows(self) -> Iterator[FloatArray]:
        """The pool in random order, then uniform rows without end."""
        pool = self._known.pool
        if pool is not None:
            yield from pool[self._rng.permutation(len(pool))]
        while True:
            yield from self._known.domain.sample(100, self._rng)

    def _find_meetings(self) -> Steps:
        """Walk between the examples of every pair of classes."""
        seen = sorted(self._examples)
        pairs = [(a, b) for i, a in enumerate(seen) for b in seen[i + 1 :]]
        for a, b in self._rng.permutation(pairs).tolist() if pairs else []:
            yield from self._walk(self._examples[a], self._examples[b], a, b)

    def _walk(self, x: FloatArray, y: FloatArray, a: int, b: int) -> Steps:
        """Record a meeting at each change of class, found by bisection from ``x`` of class ``a`` to ``y`` of ``b``."""
        while a != b:
            low, high, next_class = 0.0, 1.0, b
            while high - low > self._eps / 100:
                t = (low + high) / 2
                label = self._index[(yield (x + t * (y - x))[None]).tolist()[0]]
                if label == a:
                    low = t
                else:
                    high, next_class = t, label
            self._examples.setdefault(next_class, x + high * (y - x))
            edge = (min(a, next_class), max(a, next_class))
            self._meetings.append(Meeting(edge, x + (low + high) / 2 * (y - x)))
            x, a = x + high * (y - x), next_class

    def _walk_to_new_meeting(self) -> Generator[FloatArray, Array, bool]:
        """Walk where, by the scores so far, two classes without a meeting have a boundary; False if there is none."""
        x, y = self._known.domain.sample(200, self._rng), self._known.domain.sample(200, self._rng)
        path = x + np.linspace(0, 1, 33)[:, None, None] * (y - x)
        labels = self.hypothesis().predict(path.reshape(-1, x.shape[1]))
        along = np.array([self._index[label] for label in labels.tolist()]).reshape(33, 200)
        met = {meeting.edge for meeting in self._meetings}
        new = [
            (step, k)
            for step, k in np.argwhere(along[:-1] != along[1:]).tolist()
            if tuple(sorted((int(along[step, k]), int(along[step + 1, k])))) not in met
        ]
        if not new:
            return False
        step, k = new[self._rng.integers(len(new))]
        low, high = path[max(step - 2, 0), k], path[min(step + 3, 32), k]
        a, b = (yield from self._indices(np.stack([low, high]))).tolist()
        yield from self._walk(low, high, a, b)
        return True

    def _learn(self, meeting: Meeting) -> Steps:
        """Learn the halfspace between two classes, in a neighbourhood of their meeting where no third class answers."""
        domain = self._known.domain
        chart = CentredChart(domain, meeting.point, domain.lower < domain.upper)
        learner = self._start(chart.dimension, self._rng)
        a, b = meeting.edge
        share = 1.0  # of the box: the size of the neighbourhood
        while (V := learner.ask()) is not None:
            rows = chart.rows(V)
            answers = yield from self._indices(meeting.point + share * (rows - meeting.point))
            while (third := (answers != a) & (answers != b)).any() and share > SMALLEST:
                share /= 2
                answers[third] = yield from self._indices(meeting.point + share * (rows[third] - meeting.point))
            learner.tell(V, np.where(answers == b, 1.0, -1.0))
            w = np.zeros(domain.n_features)
            w[chart.free] = learner.estimate() / domain.half_width[chart.free]
            self._differences[meeting.edge] = np.append(w, -float(w @ meeting.point))

    def _indices(self, rows: FloatArray) -> Generator[FloatArray, Array, Array]:
        answers = yield rows
        return np.array([self._index[label] for label in answers.tolist()])

    def hypothesis(self) -> Estimator:
        """The model so far; the boundary of a pair not learned yet lies half-way between its examples."""
        classes, d = self._known.classes, self._known.domain.n_features
        assert classes is not None
        if len(self._examples) < 2 or not self._meetings:
            return constant(classes[next(iter(self._examples), 0)], d)
        scores = self._scores()[0]
        if len(classes) == 2:
            scores = scores[1:] - scores[:1]
        return linear_classifier(scores[:, :-1], scores[:, -1], classes)

    def _scores(self) -> tuple[FloatArray, int]:
        """The scores so far and how many factors are not determined (:func:`.assemble`)."""
        known = {meeting.edge: self._half_way_between(meeting.edge) for meeting in self._meetings} | self._differences
        return assemble(sorted(self._examples), self._meetings, known, len(self._index))

    def _half_way_between(self, edge: Edge) -> FloatArray:
        """The difference of scores whose boundary lies half-way between the examples of two classes, shape (d + 1,)."""
        x, y = (self._examples[i] for i in edge)
        w = (y - x) / self._known.domain.half_width**2
        return np.append(w, -float(w @ (x + y)) / 2)
