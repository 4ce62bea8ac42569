"""All kinks of a piecewise linear function of one variable, from its values at chosen places."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias

import attrs
import numpy as np

from mex.types import FloatArray
from mex_relu_exact.line import Kink, Known, Line, Lost, Place

Search: TypeAlias = "Generator[FloatArray, tuple[FloatArray, FloatArray], Line]"
"""Yields places, shape (n,); receives values, shape (n, m), and how far each may be off, infinite if it is unknown."""

NEAR = 3e-5
"""How far, as a share of an interval, both sides of a supposed kink are asked from it at least."""
SHORTEST = 1e-8
TOO_LONG = 0.1
"""A slope that was measured over more than this share of an interval is measured again."""
STEP, SHARE = 1e-5, 0.02
"""Slopes on short intervals are measured over so much, or this share of them: over less, rounding hides kinks."""
CERTAIN = 20
"""How many times their errors two lines are apart where a kink between them is asked."""
MOST = 4000
FEWEST = 4
"""Of how many places on a grid no kinks are told apart."""


@attrs.frozen(eq=False)
class Guess:
    """An interval that has a kink, what its lines may be off, and where the kink is if it is the only one."""

    start: Place
    end: Place
    tolerance: float
    t: float | None
    side: float


def find_kinks(eta: float, known: Known, rng: np.random.Generator, *, zero: float = np.inf) -> Search:
    """Find all kinks between 0 and 1.

    An interval is linear if the line of either end meets the value at the other. Else, if it has a single kink, that is
    where the two lines meet: shortly before it the first line still holds, and shortly after it the other. If that is
    not so, the interval is split. All intervals of a level are asked in one batch.

    Args:
        eta: over which share of an interval slopes are measured.
        known: kinks that may be left from what is known already.
        rng: for where intervals are split.
        zero: how far the function may be off at 0, where it is known to be 0 and flat; infinite if it is not.

    Raises:
        Lost: where a value is unknown.
    """
    step = _step(1.0, eta, known.grid)
    if np.isfinite(zero):
        end = (yield from _places(np.array([1.0]), np.array([-step])))[0]
        start = Place(0.0, np.zeros_like(end.value), np.zeros_like(end.value), step, zero)
    else:
        start, end = yield from _places(np.array([0.0, 1.0]), np.array([step, -step]))
    todo, found = [(start, end)], list[Kink]()
    while todo and len(found) + len(todo) <= MOST:
        todo = yield from _measured_again(todo, eta, known.grid)
        guesses = [g for pair in todo if (g := _guess(*pair, known, found)) is not None]
        todo, split = yield from _check(guesses, found, eta, known)
        places = [(a.t + b.t) / 2 + 0.1 * (b.t - a.t) * rng.uniform(-1, 1) for a, b in split]
        steps = [_step((b.t - a.t) / 2, eta, known.grid) for a, b in split]
        if split:
            middles = yield from _places(known.snapped(np.array(places)), np.array(steps))
            todo += [pair for (a, b), c in zip(split, middles, strict=True) for pair in ((a, c), (c, b))]
    return Line(_merged(found, known), (start.t, start.value), (end.t, end.value))


def _step(length: float, eta: float, grid: float) -> float:
    """Over how much a slope is measured at an end of an interval."""
    step = max(eta * length, min(STEP, SHARE * length))
    return max(round(step / grid), 1) * grid if grid else step


def _places(t: FloatArray, steps: FloatArray) -> Generator[FloatArray, tuple[FloatArray, FloatArray], list[Place]]:
    """Places with their values and slopes."""
    values, noise = yield from _asked(np.concatenate([t, t + steps]))
    n = len(t)
    return _between(t, steps, (values[:n], noise[:n]), (values[n:], noise[n:]))


def _slopes(
    t: FloatArray, steps: FloatArray, values: FloatArray, noise: FloatArray
) -> Generator[FloatArray, tuple[FloatArray, FloatArray], list[Place]]:
    """Places the values of which are known, and the slopes there."""
    return _between(t, steps, (values, noise), (yield from _asked(t + steps)))


def _between(
    t: FloatArray, steps: FloatArray, here: tuple[FloatArray, FloatArray], there: tuple[FloatArray, FloatArray]
) -> list[Place]:
    slopes, noise = (there[0] - here[0]) / steps[:, None], np.maximum(here[1], there[1])
    return [Place(t[i], here[0][i], slopes[i], abs(steps[i]), noise[i]) for i in range(len(t))]


def _asked(t: FloatArray) -> Generator[FloatArray, tuple[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]:
    values, noise = yield t
    if not np.isfinite(noise).all():
        raise Lost(float(t[~np.isfinite(noise)].min()))
    return values, noise


def _measured_again(
    todo: list[tuple[Place, Place]], eta: float, grid: float
) -> Generator[FloatArray, tuple[FloatArray, FloatArray], list[tuple[Place, Place]]]:
    """The intervals with slopes over a small part of them: over a longer one there may have been a kink."""
    pairs = [list(pair) for pair in todo]
    where = [
        (k, e)
        for k, (a, b) in enumerate(todo)
        for e in (0, 1)
        if pairs[k][e].step > max(TOO_LONG * (b.t - a.t), 1.5 * grid) and b.t - a.t > SHORTEST / 10
    ]
    if where:
        t = np.array([pairs[k][e].t for k, e in where])
        steps = np.array([(1 - 2 * e) * _step(todo[k][1].t - todo[k][0].t, eta, grid) for k, e in where])
        for (k, e), place in zip(where, (yield from _places(t, steps)), strict=True):
            pairs[k][e] = place
    return [(a, b) for a, b in pairs]


def _guess(a: Place, b: Place, known: Known, found: list[Kink]) -> Guess | None:
    """What an interval may have: None if it is linear, or has but a known kink, which then is added to those found."""
    length = b.t - a.t
    tolerance = 4 * (a.noise * (1 + length / a.step) + b.noise * (1 + length / b.step))
    expected = known.between(a.t, b.t)
    loose = tolerance + known.error * length * expected
    off = max(np.abs(a.value + a.slope * length - b.value).max(), np.abs(b.value - b.slope * length - a.value).max())
    if off <= loose:
        return None
    change = b.slope - a.slope
    most = float(np.abs(change).max())
    if length < 10 * known.close and expected > 0:
        if most > 1e-2 * expected:
            found.append(Kink((a.t + b.t) / 2, (a.t, a.value), (b.t, b.value), change))
        return None
    if length < max(SHORTEST, FEWEST * known.grid):
        if most > 0:
            found.append(Kink((a.t + b.t) / 2, (a.t, a.value), (b.t, b.value), change))
        return None
    side = max(CERTAIN * tolerance / most, NEAR * length) if most > 0 else length
    t = a.t - float((b.value - a.value - b.slope * length) @ change) / float(change @ change) if most > 0 else a.t
    error = 4 * (a.noise / a.step + b.noise / b.step)
    if len(known.elsewhere) and a.t < t < b.t and known.recognised(change, error):
        apart = np.abs(b.value - b.slope * (b.t - t) - a.value - a.slope * (t - a.t)).max()
        if apart <= tolerance:
            found.append(Kink(t, (a.t, a.value), (b.t, b.value), change, error))
            return None
    inside = a.t + side < t < b.t - side and a.t + known.grid <= t <= b.t - known.grid
    return Guess(a, b, tolerance, t if inside else None, side)


def _check(
    guesses: list[Guess], found: list[Kink], eta: float, known: Known
) -> Generator[FloatArray, tuple[FloatArray, FloatArray], tuple[list[tuple[Place, Place]], list[tuple[Place, Place]]]]:
    """Ask both sides of supposed kinks; the intervals that these answers split, and those still to be split."""
    asked = [g for g in guesses if g.t is not None]
    split = [(g.start, g.end) for g in guesses if g.t is None]
    sides = np.array([known.beside(g.t, g.side) for g in asked if g.t is not None])
    if not asked:
        return [], split
    values, noise = yield from _asked(sides.ravel())
    values, noise = values.reshape(len(asked), 2, -1), noise.reshape(-1, 2)
    todo, parted = list[tuple[Place, Place]](), list[tuple[Guess, int]]()
    for i, (g, (before, after), (low, high)) in enumerate(zip(asked, sides, values, strict=True)):
        a, b, length = g.start, g.end, g.end.t - g.start.t
        left = np.abs(low - (a.value + a.slope * (before - a.t))).max()
        right = np.abs(high - (b.value + b.slope * (after - b.t))).max()
        assert g.t is not None
        if max(left, right) <= g.tolerance + noise[i].max():
            error = 4 * (a.noise / a.step + b.noise / b.step)
            found.append(Kink(g.t, (float(before), low), (float(after), high), b.slope - a.slope, error))
        elif max(left, right) <= g.side * np.abs(b.slope - a.slope).max():  # it may be between the two
            parted.append((g, i))
        elif min(g.t - a.t, b.t - g.t) > 0.1 * length and after - before < 0.01 * length:
            middle = Place(float(before), low, (high - low) / (after - before), float(after - before), noise[i].max())
            todo += [(a, middle), (middle, b)]
        else:
            split.append((a, b))
    if not parted:
        return todo, split
    which = [i for _, i in parted]
    steps = np.array(
        [
            (-_step(g.t - g.start.t, eta, known.grid), _step(g.end.t - g.t, eta, known.grid))
            for g, _ in parted
            if g.t is not None
        ]
    )
    ends = yield from _slopes(sides[which].ravel(), steps.ravel(), np.concatenate(values[which]), noise[which].ravel())
    for (g, _), low, high in zip(parted, ends[::2], ends[1::2], strict=True):
        todo += [(g.start, low), (low, high), (high, g.end)]
    return todo, split


def _merged(found: list[Kink], known: Known) -> list[Kink]:
    """The kinks in their order; a known one that is a little off shows twice, where it is and where it was thought."""
    kinks = sorted(found, key=lambda kink: kink.t)
    for k in range(len(kinks) - 1, 0, -1):
        first, second = kinks[k - 1], kinks[k]
        doubled = second.t - first.t < known.close and known.near(second.t)
        apart = np.isfinite(first.error) and np.isfinite(second.error) and second.t > first.t
        if (second.before[0] - first.after[0] < 1e-11 and not (apart and len(known.elsewhere))) or doubled:
            kinks[k - 1 : k + 1] = [Kink(second.t, first.before, second.after, first.change + second.change)]
    return kinks
