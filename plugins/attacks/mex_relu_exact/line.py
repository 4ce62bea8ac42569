"""A piecewise linear function of one variable: places, kinks, the line they are on, and kinks known before."""

from __future__ import annotations

import attrs
import numpy as np

from mex.types import Array, FloatArray

ALIKE, SURE = 1e-8, 1e-5
"""How far changes of slope that are the same may differ by the errors of one of them, and how well another is to be
known that is compared with it, as shares of it."""


class Lost(Exception):
    """The function is not told at a place, which is the argument."""


@attrs.frozen(eq=False)
class Place:
    """A place, the value there, the slope over ``step``, which is measured inwards, and how far values may be off."""

    t: float
    value: FloatArray
    slope: FloatArray
    step: float
    noise: float


@attrs.frozen(eq=False)
class Kink:
    """A kink at ``t``, with a place and its value before and after it, shortly if that was asked.

    Attributes:
        change: how the slope changes, shape (m,).
        error: how far that may be off; infinite where several kinks were not told apart.
    """

    t: float
    before: tuple[float, FloatArray]
    after: tuple[float, FloatArray]
    change: FloatArray
    error: float = np.inf


@attrs.frozen(eq=False)
class Line:
    """The kinks between 0 and 1 in their order, and the values at both ends."""

    kinks: list[Kink]
    start: tuple[float, FloatArray]
    end: tuple[float, FloatArray]

    def pieces(self) -> list[tuple[tuple[float, FloatArray], tuple[float, FloatArray]]]:
        """Of each linear piece a place near either end of it and the value there."""
        return list(
            zip(
                [self.start, *(kink.after for kink in self.kinks)],
                [*(kink.before for kink in self.kinks), self.end],
                strict=True,
            )
        )

    def slopes(self) -> FloatArray:
        """The slope of each piece, shape (pieces, m)."""
        return np.array([(high[1] - low[1]) / (high[0] - low[0]) for low, high in self.pieces()])


@attrs.frozen(eq=False)
class Known:
    """What is known of kinks.

    Attributes:
        t, bend: the places of some, but for an error, and their changes of slope.
        error: the error's share of these.
        close: how near a kink is to one of them that is that one.
        elsewhere: changes of slope of kinks of unknown places, shape (k, m): one of these is known by it.
        doubt: how far each of these may be off, shape (k,).
        grid: the spacing of the places that can be asked, 0 if all can be.
    """

    t: FloatArray
    bend: FloatArray
    error: float
    close: float = 1e-5
    elsewhere: FloatArray = attrs.field(factory=lambda: np.zeros((0, 1)))
    doubt: FloatArray = attrs.field(factory=lambda: np.zeros(0))
    grid: float = 0.0

    def near(self, t: float) -> bool:
        """Whether a known kink is next to ``t``."""
        return bool(len(self.t)) and bool(np.abs(self.t - t).min() < self.close)

    def alike(self, change: FloatArray, error: float) -> Array:
        """Which of the kinks of unknown place may change the slope so."""
        apart = np.abs(self.elsewhere - change).max(axis=1, initial=0.0)
        return np.flatnonzero(apart <= error + self.doubt + ALIKE * float(np.abs(change).max()))

    def recognised(self, change: FloatArray, error: float) -> bool:
        """Whether a change of slope that is well known is that of a single kink of unknown place."""
        return error < SURE * float(np.abs(change).max()) and len(self.alike(change, error)) == 1

    def snapped(self, t: FloatArray) -> FloatArray:
        """The nearest places that can be asked."""
        return np.asarray(np.round(t / self.grid) * self.grid) if self.grid else t

    def beside(self, t: float, side: float) -> tuple[float, float]:
        """A place before and one after another, so far from it; the next ones on a grid that is not much finer."""
        if not self.grid:
            return t - side, t + side
        if side > 2 * self.grid:
            return float(np.floor((t - side) / self.grid)) * self.grid, float(
                np.ceil((t + side) / self.grid)
            ) * self.grid
        low = float(np.floor(t / self.grid))
        return low * self.grid, (low + 1) * self.grid

    def between(self, low: float, high: float) -> float:
        """The sum of their changes of slope in an interval."""
        return float(self.bend[(self.t > low) & (self.t < high)].sum())
