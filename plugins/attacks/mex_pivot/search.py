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
    _frame: Frame | None = None

    def __init__(self, d: int, goal: Goal, basis_kind: str, rng: np.random.Generator) -> None:
        self._d, self._goal, self._basis_kind, self._rng = d, goal, basis_kind, rng
        self._first = np.zeros(d)
        self._seen: set[float] = set()
        self._asked = 0

    @abstractmethod
    def _attempt(self, rows: FloatArray) -> Generator[FloatArray, Array, bool]:
        """Search in the basis ``rows``; False if its pivot turns out to be too small a part of w*."""

    @abstractmethod
    def _ratios(self) -> FloatArray:
        """The ratios of the estimate in the frame, shape (d - 1,)."""

    def steps(self) -> Steps:
        """Search in the basis wanted and, should its pivot be degenerate, in a random one."""
        for kind in (self._basis_kind, "random"):
            if (yield from self._attempt(basis(kind, self._d, self._rng))):
                break
        else:
            self.note = "no halfspace through the origin gives these answers: ratios of its weights have no bound"
            return
        if len(self._seen) == 1:
            (only,) = self._seen
            signs = yield -self.estimate()[None]
            if signs[0] == only:
                self.note = "every answer was the same, which no halfspace through the origin does"

    def tell(self, X: FloatArray, answers: Array) -> None:
        """Take the signs of the directions ``X``."""
        if len(self._seen) < 2:
            self._seen.update(np.unique(answers).tolist())
        self._asked += len(answers)
        super().tell(X, answers)

    def estimate(self) -> FloatArray:
        """The unit normal so far, shape (d,)."""
        return self._first if self._frame is None else self._frame.normal(self._ratios())

    def hypothesis(self) -> Estimator:
        """The halfspace so far, of labels -1 and 1."""
        return halfspace(self.estimate())
