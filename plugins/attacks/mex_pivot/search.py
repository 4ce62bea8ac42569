"""What the two searches for a halfspace share."""

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
"""A ratio beyond this means that <w*, pivot> is too small to measure the other components by."""

MONOTONE = 64
"""Equal answers, besides 2 d for the signs of the basis, after which they cannot be those of a halfspace."""

UNBOUNDED = "no halfspace through the origin gives these answers: a ratio of its weights has no bound"

JITTER = 1e-6
"""The distance between queries for one sign, so that sticky noise does not repeat itself."""


@attrs.frozen(kw_only=True)
class Goal:
    """The parameters of :class:`mex_pivot.attack.Pivot` that say when to stop."""

    eps: float
    stop: str
    confidence: float


class Search(GeneratorLearner):
    """A base for learners of sign(<w*, x>) on R^d, which ask directions, shape (n, d), and are told signs, +1 or -1.

    Attributes:
        note: what went wrong, if anything did.
    """

    note = ""
    _confirmations = 1  # queries that confirm that all answers are the same

    def __init__(self, d: int, goal: Goal, basis_kind: str, rng: np.random.Generator) -> None:
        self._d = d
        self._goal = goal
        self._basis_kind = basis_kind
        self._rng = rng
        self._seen: set[float] = set()  # the answers that occurred
        self._asked = 0

    @abstractmethod
    def _attempt(self, rows: FloatArray) -> Generator[FloatArray, Array, str]:
        """Search in the basis ``rows``, shape (d, d); return why that has failed, or an empty string."""

    @abstractmethod
    def estimate(self) -> FloatArray:
        """The unit normal so far, shape (d,); zeros before the first answer."""

    def steps(self) -> Steps:
        """Search in the basis wanted and, if its pivot is orthogonal to w*, in a random one."""
        for kind in (self._basis_kind, "random"):
            failure = yield from self._attempt(basis(kind, self._d, self._rng))
            if not failure:
                break
        else:
            self.note = failure
        if len(self._seen) == 1:
            (label,) = self._seen
            opposite = -label * (self.estimate() + JITTER * self._rng.standard_normal((self._confirmations, self._d)))
            if np.all((yield opposite) == label):
                self.note = "every answer was the same, which no halfspace through the origin does"

    def tell(self, X: FloatArray, answers: Array) -> None:
        """Take the signs of the directions ``X``."""
        if len(self._seen) < 2:
            self._seen.update(np.unique(answers).tolist())
        self._asked += len(answers)
        super().tell(X, answers)

    def hypothesis(self) -> Estimator:
        """The halfspace so far, of labels -1 and 1."""
        return halfspace(self.estimate())


class RatioSearch(Search):
    """A base for searches that measure the components of w* by one of them (:class:`.Frame`)."""

    _frame: Frame | None = None

    def __init__(self, d: int, goal: Goal, basis_kind: str, rng: np.random.Generator) -> None:
        super().__init__(d, goal, basis_kind, rng)
        self._first: FloatArray = np.zeros(d)  # the estimate before there is a frame

    @abstractmethod
    def _ratios(self) -> FloatArray:
        """The estimate of the ratios in the frame, shape (d - 1,)."""

    def _unbounded(self, ratios: FloatArray) -> bool:
        """Whether some ratio, or by equal answers every ratio, has no bound."""
        return bool(np.abs(ratios).max() > FARTHEST) or (len(self._seen) == 1 and self._asked > 2 * self._d + MONOTONE)

    def estimate(self) -> FloatArray:
        return self._first if self._frame is None else self._frame.normal(self._ratios())
