"""What the searches for a halfspace have in common: directions go out, signs come in."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator

import attrs
import numpy as np

from mex import GeneratorLearner, halfspace
from mex.learner import Steps
from mex.types import Array, Estimator, FloatArray
from mex_pivot.frame import Frame, basis

FARTHEST = 2.0**18
"""A ratio beyond this says that the pivot is too small a part of w* to measure by."""

MONOTONE = 64
"""Queries, beside those for the signs of the basis, after which answers that are all the same are no halfspace's."""

UNBOUNDED = "no halfspace through the origin gives these answers: a ratio of its weights has no bound"

JITTER = 1e-6
"""How far apart queries for one sign are: no two are alike, so that noise that sticks to a row is fresh."""


@attrs.frozen(kw_only=True)
class Goal:
    """When to stop: see the parameters of :class:`mex_pivot.attack.Pivot`."""

    eps: float
    stop: str
    confidence: float


class Search(GeneratorLearner):
    """A learner of sign(<w*, x>) on R^d that asks directions, shape (n, d), and is told signs, +1 or -1.

    It knows nothing of rows, labels or domains. :meth:`estimate` is the unit normal at any time, zeros
    before the first answer; ``note`` says what went wrong, if anything did.
    """

    note = ""
    _checks = 1
    _frame: Frame | None = None

    def __init__(self, d: int, goal: Goal, basis_kind: str, rng: np.random.Generator) -> None:
        self._d, self._goal, self._basis_kind, self._rng = d, goal, basis_kind, rng
        self._first = np.zeros(d)
        self._seen: set[float] = set()
        self._asked = 0

    @abstractmethod
    def _attempt(self, rows: FloatArray) -> Generator[FloatArray, Array, str]:
        """Search in the basis ``rows``; why that has failed, or nothing."""

    @abstractmethod
    def _ratios(self) -> FloatArray:
        """The ratios of the estimate in the frame, shape (d - 1,)."""

    def steps(self) -> Steps:
        """Search in the basis wanted and, if its pivot turns out to be no part of w*, in a random one."""
        for kind in (self._basis_kind, "random"):
            failure = yield from self._attempt(basis(kind, self._d, self._rng))
            if not failure:
                break
        else:
            self.note = failure
        if len(self._seen) == 1:
            (label,) = self._seen
            opposite = -label * (self.estimate() + JITTER * self._rng.standard_normal((self._checks, self._d)))
            if np.all((yield opposite) == label):
                self.note = "every answer was the same, which no halfspace through the origin does"

    def tell(self, X: FloatArray, answers: Array) -> None:
        """Take the signs of the directions ``X``."""
        if len(self._seen) < 2:
            self._seen.update(np.unique(answers).tolist())
        self._asked += len(answers)
        super().tell(X, answers)

    def _unbounded(self, ratios: FloatArray) -> bool:
        """Whether the answers drive some ratio, or all of them, beyond any bound."""
        return bool(np.abs(ratios).max() > FARTHEST) or (len(self._seen) == 1 and self._asked > 2 * self._d + MONOTONE)

    def estimate(self) -> FloatArray:
        """The unit normal so far, shape (d,)."""
        return self._first if self._frame is None else self._frame.normal(self._ratios())

    def hypothesis(self) -> Estimator:
        """The halfspace so far, of labels -1 and 1."""
        return halfspace(self.estimate())
