"""Scales of charts: where a value lies on an axis, and which values the axis names."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import attrs

STRETCHED = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9999)
"""The agreements that a stretched axis names."""


@attrs.frozen
class Scale:
    """An axis of a chart.

    Attributes:
        low, high: the values at its ends, as ``place`` has them.
        place: a value as a number that grows evenly along the axis.
        ticks: the values that it names, each with its text.
    """

    low: float
    high: float
    place: Callable[[float], float] = attrs.field(repr=False)
    ticks: Sequence[tuple[float, str]]

    def __call__(self, value: float) -> float:
        """Where ``value`` lies between the ends, from 0 to 1; what is beyond them is at the nearer one.

        >>> logarithmic(1, 100)(10), logarithmic(1, 100)(1000)
        (0.5, 1.0)
        """
        place = self.place(value)
        return min(1.0, max(0.0, (place - self.low) / (self.high - self.low or 1.0)))


def logarithmic(low: float, high: float, form: Callable[[float], str] = "{:,.0f}".format) -> Scale:
    """A logarithmic axis that holds ``low`` and ``high`` and names powers of ten, or 1, 2, 5 where there are few.

    >>> [text for _, text in logarithmic(8, 700).ticks]
    ['10', '20', '50', '100', '200', '500']
    """
    low = max(low, 1e-300)
    high = max(high, low * 1.001)
    first, last = math.log10(low), math.log10(high)
    leading = (1, 2, 5) if last - first < 2.3 else (1,)
    step = max(1, math.ceil((last - first) / 7))
    powers = range(math.floor(first), math.ceil(last) + 1)
    named = [digit * 10.0**power for power in powers for digit in leading if power % step == 0]
    ticks = [(value, form(value)) for value in named if low * 0.999 <= value <= high * 1.001]
    return Scale(first, last, lambda value: math.log10(value) if value > 0 else -math.inf, ticks)


def linear(low: float, high: float) -> Scale:
    """A linear axis that holds ``low`` and ``high`` and names four to eight round numbers.

    >>> [text for _, text in linear(0, 11).ticks]
    ['0', '2', '4', '6', '8', '10']
    """
    width = high - low or 1.0
    step = 10.0 ** math.floor(math.log10(width / 4))
    step *= next(digit for digit in (1, 2, 5, 10) if width / (digit * step) <= 8)
    named = [i * step for i in range(math.ceil(low / step), math.floor(high / step) + 1)]
    return Scale(low, low + width, float, [(value, f"{value:.6g}") for value in named])


def stretched(low: float, rows: int) -> Scale:
    """An axis of agreements from ``low`` to 1 that is logarithmic in the disagreement: what matters happens near 1.

    Args:
        low: the lowest agreement; at least 0.
        rows: of how many rows agreements are shares: 1 is half a row beyond the last of them that is not 1.

    >>> scale = stretched(0.5, 100)
    >>> [text for _, text in scale.ticks], scale(1.0)
    (['0.5', '0.8', '0.9', '0.95', '0.98', '0.99', '1'], 1.0)
    """
    least = 0.5 / max(rows, 2)

    def place(value: float) -> float:
        return -math.log10(max(1 - value, least)) if value > -1e300 else -math.inf

    low = min(max(low, 0.0), 0.9)
    room = 0.07 * (place(1.0) - place(low))  # between the names of two ticks
    named, last = [(1.0, "1")], place(1.0)
    for value in reversed(STRETCHED):
        if value >= low and last - place(value) >= room:
            named.append((value, f"{value:g}"))
            last = place(value)
    return Scale(place(low), place(1.0), place, named[::-1])
