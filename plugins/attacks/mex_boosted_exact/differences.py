"""Mixed differences over steps: what is left of a function when all that does not depend on each of them cancels."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TypeAlias

import numpy as np

from mex.types import FloatArray
from mex_boosted_exact.thresholds import Step

Search: TypeAlias = Generator[FloatArray, tuple[FloatArray, FloatArray], None]
"""It yields points, and receives their residuals and how far rounding may have moved these."""
COARSE = 3
"""An answer is too coarse to tell a jump from none if it may be off by more than the jump over this."""


class Difference:
    """The mixed difference over ``steps``: of a residual R over one step s it is R(right of s) - R(left of s).

    Attributes:
        steps: on different axes; without any it is R itself.
        corners: the 2^n combinations of sides, shape (2^n, n): 0 left, 1 right.
        signs: the sign of each, shape (2^n,).
    """

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = tuple(steps)
        n = len(self.steps)
        self.axes = [step.axis for step in self.steps]
        self.corners = (np.arange(1 << n)[:, None] >> np.arange(n)) & 1
        self.signs = np.prod(2.0 * self.corners - 1, axis=1)
        self._places = np.where(self.corners, [s.above for s in self.steps], [s.below for s in self.steps])

    def rows(self, z: FloatArray) -> FloatArray:
        """The corners around a point ``z``, shape (2^n, axes)."""
        Z = np.repeat(z[None], len(self.signs), axis=0)
        Z[:, self.axes] = self._places
        return Z

    def of(self, residuals: FloatArray, errors: FloatArray) -> tuple[float, float]:
        """The difference and how far it may be off, given the residuals at the corners; 0 if that explains it."""
        difference, error = float(self.signs @ residuals), float(errors.sum())
        return (0.0 if abs(difference) <= error else difference), error

    def at(self, z: FloatArray) -> Generator[FloatArray, tuple[FloatArray, FloatArray], tuple[float, float]]:
        """Ask for :meth:`of` at ``z``."""
        return self.of(*(yield self.rows(z)))

    def alike(self, residuals: FloatArray, errors: FloatArray, jump: float) -> bool | None:
        """Whether the difference is ``jump``; None where answers are too coarse to tell that from 0."""
        difference, error = self.of(residuals, errors)
        if jump and error > abs(jump) / COARSE:
            return None
        return abs(difference - jump) <= 2 * error

    def like(self, z: FloatArray, jump: float) -> Generator[FloatArray, tuple[FloatArray, FloatArray], bool | None]:
        """Ask for :meth:`alike` at ``z``."""
        return self.alike(*(yield self.rows(z)), jump)
