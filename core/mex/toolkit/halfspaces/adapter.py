"""Learners of directions: any of them attacks a real linear model from behind a chart."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Protocol, TypeVar

import attrs
import numpy as np

from mex.errors import Incompatible
from mex.knowledge import Knowledge
from mex.learner import GeneratorLearner, Steps
from mex.toolkit.estimators import constant
from mex.toolkit.halfspaces.boundary import NoBoundary, between, opposite_rows, positives
from mex.toolkit.halfspaces.charts import Centred, Chart, Linear, Projective
from mex.toolkit.halfspaces.discrete import open_mixed
from mex.toolkit.halfspaces.mixed_chart import fine_features
from mex.types import Array, Estimator, FloatArray

Found = TypeVar("Found")


class DirectionLearner(Protocol):
    """A learner of a homogeneous halfspace: it asks directions of R^d and is told signs."""

    def ask(self) -> FloatArray | None:
        """Return directions to ask, shape (n, d), of any length; None means done. The same ones until told."""
        ...

    def tell(self, V: FloatArray, signs: FloatArray) -> None:
        """Take the signs (+1.0 or -1.0, possibly wrong) of <w, v> for the rows of ``V``.

        Those are the directions asked, or the first of them if the budget cut the rest: then it is over.
        """
        ...

    def estimate(self) -> FloatArray:
        """Return the unit normal so far, shape (d,); zeros if nothing is known."""
        ...


class Charted(GeneratorLearner):
    """The learner on rows that a learner of directions becomes behind the chart of its target.

    Before it starts it opens the chart, which may cost queries: on a box it finds a row of each class
    and the boundary between them.

    Args:
        known: what the attacker knows: a binary target of the linear family.
        rng: where the search for the boundary and the learner draw from.
        start: makes the learner of directions for a dimension.
        eps: the geometric error aimed at; it says how exactly to open the chart.
        note: what the record should say, unless the learner of directions has a note of its own.

    Raises:
        Incompatible: if every feature is categorical or takes a few whole numbers only, so that no
            direction can be asked (:mod:`.mixed_chart` deals with some such features beside finer ones).
    """

    def __init__(
        self,
        known: Knowledge,
        rng: np.random.Generator,
        start: Callable[[int, np.random.Generator], DirectionLearner],
        eps: float = 1e-8,
        note: str = "",
    ) -> None:
        domain = known.domain
        if not fine_features(domain).any():
            raise Incompatible(
                "it asks any direction, and every feature of this interface is a category or a few numbers"
            )
        self._known, self._rng, self._start, self._eps = known, rng, start, max(eps, 1e-14)
        self._note = note
        self._chart: Chart | None = None
        self._learner: DirectionLearner | None = None
        self._seen: Array | None = None

    @property
    def note(self) -> str:
        """One sentence for the record, or nothing."""
        return getattr(self._learner, "note", "") or self._note

    def steps(self) -> Steps:
        """Open the chart, then pass directions on; a target of one label is over before it starts."""
        try:
            chart = self._chart = yield from self._open()
        except NoBoundary as reason:
            self._note = str(reason)
            return
        learner = self._learner = self._start(chart.dimension, self._rng)
        while (V := learner.ask()) is not None:
            answers = yield chart.rows(V)
            learner.tell(V, chart.signs(V, positives(self._known, answers)))

    def cut(self, X: FloatArray, answers: Array) -> None:
        """Pass on what the budget left of the last directions."""
        V = self._learner.ask() if self._learner else None
        if self._learner and self._chart and V is not None:
            V = V[: len(answers)]
            self._learner.tell(V, self._chart.signs(V, positives(self._known, answers)))

    def _open(self) -> Generator[FloatArray, Array, Chart]:
        domain = self._known.domain
        intercept = self._known.family.public.get("intercept", True)
        if domain.discrete[domain.lower < domain.upper].any():
            return (yield from self._labelled(open_mixed(self._known, self._rng, self._eps)))
        if not np.isfinite(domain.lower).any() and not np.isfinite(domain.upper).any():
            return Projective(domain.n_features + 1) if intercept else Linear(domain.n_features)
        return (yield from self._labelled(self._open_centred()))

    def _open_centred(self) -> Generator[FloatArray, Array, Chart]:
        box, (negative, positive) = yield from opposite_rows(self._known, self._rng)
        boxed = attrs.evolve(self._known, domain=box)
        origin = yield from between(negative, positive, boxed, self._eps)
        return Centred(box, origin, box.lower < box.upper)

    def _labelled(self, search: Generator[FloatArray, Array, Found]) -> Generator[FloatArray, Array, Found]:
        """Run a search that is told positives on answers that are labels."""
        try:
            rows = next(search)
            while True:
                answers = yield rows
                self._seen = answers[:1]
                rows = search.send(positives(self._known, answers))
        except StopIteration as found:
            value: Found = found.value
            return value

    def hypothesis(self) -> Estimator:
        """The halfspace so far; before there is one, the label seen last."""
        assert self._known.classes is not None
        if self._chart is None or self._learner is None:
            label = self._known.classes[0] if self._seen is None else self._seen[0]
            return constant(label, self._known.domain.n_features)
        return self._chart.halfspace(self._learner.estimate(), self._known.classes)
