"""Linear models of several classes, learned one pair of classes at a time.

A linear model of k classes answers the class of the largest of k affine scores. The boundary between two classes is the
halfspace of the difference of their scores, which a learner of halfspaces finds up to a positive factor. A spanning
tree of pairs of classes that meet gives all differences; the factors follow from further boundary points, at each of
which two scores are equal. Where some features are discrete, differences are learned among the fine ones, and the
weights of the others follow from boundary points in contexts that differ.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import attrs
import numpy as np

from mex.errors import Incompatible
from mex.knowledge import Knowledge
from mex.learner import GeneratorLearner, Steps
from mex.toolkit.estimators import constant, linear_classifier
from mex.toolkit.generators import relay
from mex.toolkit.halfspaces.adapter import DirectionLearner
from mex.toolkit.halfspaces.charts import CentredChart
from mex.toolkit.halfspaces.classes import search_classes
from mex.toolkit.halfspaces.mixed_chart import fine_features, round_integers
from mex.toolkit.halfspaces.scores import Assembled, Edge, Meeting, assemble, spanning_tree
from mex.types import Array, Estimator, FloatArray

SMALLEST = 1e-6
"""The smallest neighbourhood of a boundary point, as a share of the box, in which a pair of classes is learned."""
WALKS = 8
"""How many walks at most are made for meetings that determine the factors, for each number that is not determined."""


class PairwiseLearner(GeneratorLearner):
    """A learner of a linear model of several classes, made of learners of directions for pairs of classes.

    Args:
        known: what the attacker knows; the target is linear and answers labels without noise.
        rng: for the search for the classes and for the learners.
        start: makes a learner of directions, given the dimension and a generator.
        eps: the geometric error aimed at for each pair.

    Raises:
        Incompatible: if labels may be wrong, or no feature is fine (:func:`.fine_features`).
    """

    def __init__(
        self,
        known: Knowledge,
        rng: np.random.Generator,
        start: Callable[[int, np.random.Generator], DirectionLearner],
        eps: float = 1e-8,
    ) -> None:
        assert known.classes is not None
        if known.rho != 0:
            raise Incompatible("on several classes it needs answers without noise")
        self._fine = fine_features(known.domain)
        if not self._fine.any():
            raise Incompatible(
                "it asks any direction, and every feature here is a category or a few numbers: use bayes-point"
            )
        # The first column of a group follows from the others.
        firsts = [group[0] for group in known.domain.groups]
        moving = ~self._fine & (known.domain.lower < known.domain.upper)
        self._discrete = np.setdiff1d(np.flatnonzero(moving), firsts)
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
        box = yield from relay(search_classes(self._known, self._rng, self._examples), self._indices)
        self._known = attrs.evolve(self._known, domain=box)
        yield from self._find_meetings()
        for _ in range(WALKS * (1 + len(self._discrete) * (len(self._index) - 1))):
            for meeting in spanning_tree(self._examples, self._meetings):
                if meeting.edge not in self._differences:
                    yield from self._learn(meeting)
            if len(self._examples) < 2 or self._is_determined() or not (yield from self._walk_to_new_meeting()):
                break
        if len(self._examples) > 1 and not self._is_determined():
            self.note = "the boundaries found do not determine the scores of all classes"

    def _find_meetings(self) -> Steps:
        """Walk between the examples of every pair of classes, along fine features in the context of either."""
        seen = sorted(self._examples)
        pairs = [(a, b) for i, a in enumerate(seen) for b in seen[i + 1 :]]
        for a, b in self._rng.permutation(pairs).tolist() if pairs else []:
            x, y = self._examples[a], self._examples[b]
            if (x == y)[~self._fine].all():
                yield from self._walk(x, y, a, b)
            else:
                yield from self._walk_in_context(x, y)
                yield from self._walk_in_context(y, x)

    def _walk_in_context(self, x: FloatArray, y: FloatArray) -> Steps:
        """Walk from ``x`` to the fine features of ``y``."""
        y = np.where(self._fine, y, x)
        a, b = (yield from self._indices(np.stack([x, y]))).tolist()
        yield from self._walk(x, y, a, b)

    def _walk(self, x: FloatArray, y: FloatArray, a: int, b: int) -> Steps:
        """Record a meeting at each change of class, found by bisection from ``x`` of class ``a`` to ``y`` of ``b``."""
        while a != b:
            low, high, next_class = 0.0, 1.0, b
            while high - low > self._eps / 100:
                t = (low + high) / 2
                (label,) = yield from self._indices((x + t * (y - x))[None])
                if label == a:
                    low = t
                else:
                    high, next_class = t, label
            self._examples.setdefault(next_class, x + high * (y - x))
            edge = (min(a, next_class), max(a, next_class))
            self._meetings.append(Meeting(edge, x + (low + high) / 2 * (y - x)))
            x, a = x + high * (y - x), next_class

    def _walk_to_new_meeting(self) -> Generator[FloatArray, Array, bool]:
        """Walk where, by the scores so far, two classes without a meeting have a boundary; False if there is none.

        With discrete features, any two rows are used that are equal in these.
        """
        x, y = self._known.domain.sample(200, self._rng), self._known.domain.sample(200, self._rng)
        y = np.where(self._fine, y, x)
        if len(self._discrete):
            ends = self.hypothesis().predict(x) != self.hypothesis().predict(y)
            k = int(np.argmax(ends))
            yield from self._walk_in_context(x[k], y[k])
            return True
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
        yield from self._walk_in_context(path[max(step - 2, 0), k], path[min(step + 3, 32), k])
        return True

    def _learn(self, meeting: Meeting) -> Steps:
        """Learn the halfspace between two classes, in a neighbourhood of their meeting where no third class answers."""
        domain = self._known.domain
        chart = CentredChart(domain, meeting.point, self._fine & (domain.lower < domain.upper))
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
        answers = yield round_integers(rows, self._known.domain)
        return np.array([self._index[label] for label in answers.tolist()])

    def hypothesis(self) -> Estimator:
        """The model so far; the boundary of a pair not learned yet lies half-way between its examples."""
        classes, d = self._known.classes, self._known.domain.n_features
        assert classes is not None
        if len(self._examples) < 2 or not self._meetings:
            return constant(classes[next(iter(self._examples), 0)], d)
        scores = self._scores().scores
        if len(classes) == 2:
            scores = scores[1:] - scores[:1]
        return linear_classifier(scores[:, :-1], scores[:, -1], classes)

    def _is_determined(self) -> bool:
        return self._scores().undetermined == 0

    def _scores(self) -> Assembled:
        known = {meeting.edge: self._half_way_between(meeting.edge) for meeting in self._meetings} | self._differences
        return assemble(sorted(self._examples), self._meetings, known, len(self._index), self._discrete)

    def _half_way_between(self, edge: Edge) -> FloatArray:
        """The difference of scores whose boundary lies half-way between the examples of two classes, shape (d + 1,)."""
        x, y = (self._examples[i] for i in edge)
        w = (y - x) / self._known.domain.half_width**2
        return np.append(w, -float(w @ (x + y)) / 2)
