"""From learners of directions to learners of halfspaces on the rows of an interface."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Protocol

import attrs
import numpy as np

from mex.errors import Incompatible
from mex.knowledge import Knowledge
from mex.learner import GeneratorLearner, Steps
from mex.toolkit.estimators import constant
from mex.toolkit.generators import relay
from mex.toolkit.halfspaces.boundary import NoBoundary, boundary_point, opposite_rows, positives
from mex.toolkit.halfspaces.charts import CentredChart, Chart, LinearChart, ProjectiveChart
from mex.toolkit.halfspaces.discrete import open_mixed_chart
from mex.toolkit.halfspaces.mixed_chart import fine_features
from mex.types import Array, BoolArray, Estimator, FloatArray

SETTLED = 8
"""How many directions per dimension tell a halfspace better than logistic regression would from their answers."""


class DirectionLearner(Protocol):
    """A learner of a homogeneous halfspace of R^d: it asks directions and is told the signs of <w, v>.

    One with ``efficient = False`` learns less from few answers than a fit to them does.
    """

    def ask(self) -> FloatArray | None:
        """Return directions to ask, shape (n, d), of any length; None means done. The same ones until told."""
        ...

    def tell(self, V: FloatArray, signs: FloatArray) -> None:
        """Take the signs (+1.0 or -1.0, possibly wrong) of <w, v> for the rows of ``V``.

        These are the directions asked, or the first of them if the budget cut the rest and ended the attack.
        """
        ...

    def estimate(self) -> FloatArray:
        """Return the unit normal so far, shape (d,); zeros if nothing is known."""
        ...


class HalfspaceLearner(GeneratorLearner):
    """A learner of a halfspace on the rows of an interface, made of a learner of directions and a chart.

    The chart fits the interface: all of R^d, a box, or a box with integer features and one-hot groups. On a box it
    costs queries to set up: a row of each class is found, and the boundary between them.

    Args:
        known: what the attacker knows; the target is binary and of the linear family.
        rng: for the search for the boundary and for the learner of directions.
        start: makes the learner of directions, given the dimension and a generator.
        eps: the geometric error aimed at, to which the boundary is found.
        note: the note of the attack, unless the learner of directions has one.

    Raises:
        Incompatible: if no feature is continuous or an integer of many values (:func:`.fine_features`).
    """

    def __init__(
        self,
        known: Knowledge,
        rng: np.random.Generator,
        start: Callable[[int, np.random.Generator], DirectionLearner],
        eps: float = 1e-8,
        note: str = "",
    ) -> None:
        if not fine_features(known.domain).any():
            raise Incompatible(
                "it asks any direction, and every feature here is a category or a few numbers: use bayes-point"
            )
        self._known = known
        self._rng = rng
        self._start = start
        self._eps = max(eps, 1e-14)
        self._note = note
        self._chart: Chart | None = None
        self._learner: DirectionLearner | None = None
        self._last_label: Array | None = None  # shape (1,)
        self._directions = 0

    @property
    def note(self) -> str:
        """One sentence for the record, or nothing."""
        return getattr(self._learner, "note", "") or self._note

    @property
    def settled(self) -> bool:
        """Whether every direction is known about as well as a fit to the answers would tell it."""
        efficient = getattr(self._learner, "efficient", True)
        return self._chart is not None and efficient and self._directions >= SETTLED * self._chart.dimension

    def steps(self) -> Steps:
        """Set up the chart, then ask what the learner of directions asks; end at once if there is no boundary."""
        try:
            chart = self._chart = yield from self._open_chart()
        except NoBoundary as reason:
            self._note = str(reason)
            return
        learner = self._learner = self._start(chart.dimension, self._rng)
        while (V := learner.ask()) is not None:
            self._directions += len(V)
            answers = yield chart.rows(V)
            self._last_label = answers[-1:]
            learner.tell(V, chart.signs(V, positives(self._known, answers)))

    def cut(self, X: FloatArray, answers: Array) -> None:
        """Pass on what the budget left of the last directions."""
        V = self._learner.ask() if self._learner else None
        if self._learner and self._chart and V is not None:
            V = V[: len(answers)]
            self._learner.tell(V, self._chart.signs(V, positives(self._known, answers)))

    def _open_chart(self) -> Generator[FloatArray, Array, Chart]:
        domain = self._known.domain
        intercept = self._known.family.public.get("intercept", True)
        if domain.discrete[domain.lower < domain.upper].any():
            return (yield from relay(open_mixed_chart(self._known, self._rng, self._eps), self._ask_positives))
        if not np.isfinite(domain.lower).any() and not np.isfinite(domain.upper).any():
            return ProjectiveChart(domain.n_features + 1) if intercept else LinearChart(domain.n_features)
        return (yield from relay(self._open_centred_chart(), self._ask_positives))

    def _open_centred_chart(self) -> Generator[FloatArray, Array, Chart]:
        box, (negative, positive) = yield from opposite_rows(self._known, self._rng)
        boxed = attrs.evolve(self._known, domain=box)
        origin = yield from boundary_point(negative, positive, boxed, self._eps)
        return CentredChart(box, origin, box.lower < box.upper)

    def _ask_positives(self, X: FloatArray) -> Generator[FloatArray, Array, BoolArray]:
        """Ask rows and return which of them got the positive label."""
        answers = yield X
        self._last_label = answers[:1]
        return positives(self._known, answers)

    def hypothesis(self) -> Estimator:
        """The halfspace so far; as long as nothing is known of it, the constant that is the label seen last."""
        assert self._known.classes is not None
        normal = None if self._chart is None or self._learner is None else self._learner.estimate()
        if self._chart is None or normal is None or not (normal.any() or self._last_label is None):
            label = self._known.classes[0] if self._last_label is None else self._last_label[0]
            return constant(label, self._known.domain.n_features)
        return self._chart.halfspace(normal, self._known.classes)
