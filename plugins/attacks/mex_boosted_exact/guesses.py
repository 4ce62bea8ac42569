"""Where thresholds are likely to be, by rows of the data: between their values, halfway or at one.

Values of a column are mostly multiples of something, such as a hundredth, or were before they were scaled; thresholds,
which libraries put at values or halfway between two, are then multiples of half of that. A bisection that halves the
number of such places ends sooner; one whose threshold is elsewhere takes at most three rows more.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from mex.types import FloatArray
from mex_boosted_exact.axes import Axes

FINEST = 2.0**-20
"""The least spacing of places, as a share of the range of a column, that is of use."""
ALIKE = 1e-2
"""How far from a multiple a value may be, as a share of the spacing."""
ROUNDING = 1e-9
"""How far differences may be from multiples by rounding, as a share of the range."""
AROUND = (0, 1, 8)
"""How many numbers from a place the rows are that tell whether a threshold is there."""
MISSES = 2
"""By how many more thresholds elsewhere than at places those of an axis are given up."""


class Guesses:
    """Halves intervals of axes, so that thresholds which are likely by the data are found with few rows."""

    def __init__(self, axes: Axes, pool: FloatArray | None) -> None:
        """``pool`` has rows of the domain that are like the data, if there are any."""
        self._axes = axes
        X = np.empty((0, axes.domain.n_features)) if pool is None else pool
        columns = [X[:, unit[0]] for unit in axes.units]
        self._values = [np.unique(column[np.isfinite(column)]) for column in columns]
        self._spacing = [0.0 if axes.whole[k] else spacing(values) / 2 for k, values in enumerate(self._values)]
        self._misses = Counter[int]()

    def middle(self, axis: int, below: float, above: float) -> float | None:
        """A coordinate between two at which to ask next, or None if they are neighbours."""
        if self._axes.double or self._axes.whole[axis] or self._misses[axis] > MISSES or not np.isfinite(below):
            return self._axes.middle(axis, below, above)
        guess = self._guess(axis, below, above)
        return guess if guess is not None and below < guess < above else self._axes.middle(axis, below, above)

    def _guess(self, axis: int, below: float, above: float) -> float | None:
        values, spacing = self._values[axis], self._spacing[axis]
        first, end = np.searchsorted(values, (below, above), side="right")
        if end - first > 1:
            return float(np.float32(values[(first + end) // 2] - spacing / 2))
        if not spacing:
            return None
        low, high = np.ceil((below - values[0]) / spacing - ALIKE), np.floor((above - values[0]) / spacing + ALIKE)
        if high > low:
            return float(np.float32(values[0] + ((low + high) // 2 + 0.5) * spacing))
        if high < low:
            return None
        place = np.float32(values[0] + low * spacing)
        for n in AROUND:
            for number in (moved(place, n), moved(place, -n)):
                if below < number < above and (n == 0 or moved(place, -1) <= below or above <= moved(place, 1)):
                    return number
        return None

    def learn(self, axis: int, below: float, above: float) -> None:
        """Tell where a threshold was found."""
        if spacing := self._spacing[axis]:
            place = np.float32(self._values[axis][0] + np.rint((above - self._values[axis][0]) / spacing) * spacing)
            self._misses[axis] += -1 if moved(place, -8) <= below and above <= moved(place, 8) else 1


def moved(number: np.float32, n: int) -> float:
    """The n-th float32 number after one, or before it."""
    toward = np.float32(np.inf if n > 0 else -np.inf)
    for _ in range(abs(n)):
        number = np.nextafter(number, toward)
    return float(number)


def spacing(values: FloatArray) -> float:
    """What all differences of sorted values are multiples of, but for rounding; 0.0 if that is nothing of use.

    >>> round(spacing(np.array([0.3, 0.5, 1.1, 9.75])), 6)
    0.05
    """
    reach = float(np.ptp(values)) if len(values) else 0.0
    found, exact = reach, ROUNDING * reach
    for gap in np.unique(np.diff(values)).tolist():
        rest = gap
        while rest > exact:  # Euclid's algorithm
            found, rest = rest, found % rest
            rest = 0.0 if found - rest <= exact else rest
        if found < FINEST * reach:
            return 0.0
    if found == 0:
        return 0.0
    found = reach / np.rint(reach / found)
    multiples = (values - values[0]) / found
    return float(found) if np.abs(multiples - np.rint(multiples)).max() < ALIKE else 0.0
