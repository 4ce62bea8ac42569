"""Setting up a mixed chart: find the boundary, then measure every discrete change along the path."""

from __future__ import annotations

from collections.abc import Generator

import attrs
import numpy as np

from mex.knowledge import Knowledge
from mex.toolkit.halfspaces.bisection import Bisection
from mex.toolkit.halfspaces.boundary import ERROR, Search, boundary_point, is_positive
from mex.toolkit.halfspaces.context import rows_alike_but_for
from mex.toolkit.halfspaces.mixed_chart import Change, Crossing, MixedChart, changes, fine_features, round_integers
from mex.types import Array, FloatArray


def open_mixed_chart(
    known: Knowledge, rng: np.random.Generator, eps: float
) -> Generator[FloatArray, Array, MixedChart]:
    """Find a boundary point, the signs of the fine weights, and a crossing for every discrete change.

    The effect of each change is known to about ``eps`` times the length of the normal, divided among all of them.

    Raises:
        NoBoundary: if moving the fine features never changes the label.
    """
    fine = fine_features(known.domain)
    domain, (negative, positive) = yield from rows_alike_but_for(fine, known, rng)
    known = attrs.evolve(known, domain=domain)
    origin = yield from boundary_point(negative, positive, known, eps, valid=lambda X: round_integers(X, domain))
    chart = MixedChart(domain, origin, fine, np.ones(int(fine.sum())))
    chart.weight_signs = yield from _fine_signs(chart, known, rng)
    todo = changes(domain, origin, fine)
    tolerance = eps * float(np.sqrt(12 / (len(todo) + chart.dimension) / chart.dimension))
    measurement = _Measurement(chart, known, rng, tolerance)
    beyond = []
    for change in todo:
        side = yield from measurement.locate(change)
        if side and not (yield from measurement.locate_part(change)):
            beyond.append(_Beyond(change, side))
    # Each change that is measured with compensation may help to compensate the next.
    progress = True
    while beyond and progress:
        unmeasured = []
        for one in beyond:
            if not (yield from measurement.locate_compensated(one)):
                unmeasured.append(one)
        progress = len(unmeasured) < len(beyond)
        beyond = unmeasured
    # The effect of what is left is larger than all that could compensate it: take this bound for the effect.
    chart.crossings += [Crossing(one.change, -float(one.side), one.compensation) for one in beyond]
    return chart


def _fine_signs(chart: MixedChart, known: Knowledge, rng: np.random.Generator) -> Search:
    """The signs of the fine weights, shape (number of fine features,): each feature is moved to its farther bound."""
    signs = chart.weight_signs.copy()
    for k in range(chart.dimension):
        side = 1.0 if chart.reach(1.0)[k] >= chart.reach(-1.0)[k] else -1.0
        row = chart.rows(side * np.eye(chart.dimension)[k : k + 1])[0]
        signs[k] = side if (yield from is_positive(row, known, rng)) else -side
    return signs


@attrs.define
class _Beyond:
    """A change with which the whole path has one label.

    Attributes:
        change: the change.
        side: that label, 1 for the positive one and -1 for the other.
        compensation: changes in the opposite direction, of the largest sum that did not change the label either.
    """

    change: Change
    side: int
    compensation: tuple[Change, ...] = ()


@attrs.frozen(eq=False)
class _Measurement:
    """Finds crossings and adds them to the chart.

    Attributes:
        tolerance: the width, as a share of the path, to which a crossing is found.
    """

    chart: MixedChart
    known: Knowledge
    rng: np.random.Generator
    tolerance: float

    def locate(self, change: Change, compensation: tuple[Change, ...] = ()) -> Generator[FloatArray, Array, int]:
        """Find the crossing with a change and its compensation made.

        Returns:
            0 if it was found; if the path has one label, 1 for the positive one and -1 for the other.
        """
        chart, tolerance = self.chart, self.tolerance
        typical = [abs(crossing.t) for crossing in chart.crossings if not crossing.compensation]
        scale = float(np.median(typical)) if len(typical) >= 3 and not compensation else np.inf
        search = Bisection(-1.0, 1.0, min(self.known.rho or 0.0, 0.499), max(scale, tolerance))
        while search.width(1 - ERROR) > tolerance:
            t = search.median()
            search.tell(t, below=not (yield chart.on_path(t, *compensation, change)[None])[0])
        t = search.median()
        if 1 - abs(t) <= tolerance:  # at an end of the path: perhaps there is no crossing
            positive = yield from self._label(np.sign(t), *compensation, change)
            if positive == (t < 0):
                return 1 if positive else -1
        chart.crossings.append(Crossing(change, t, compensation))
        return 0

    def locate_part(self, change: Change) -> Generator[FloatArray, Array, bool]:
        """Find the crossing with an integer feature moved as far as one is found; False if a single step is too far."""
        start = self.chart.origin[change.on]
        while change.off is None and abs(change.value - start) >= 2:
            change = Change(change.on, float(np.round(start + (change.value - start) / 2)))
            first = yield from self._label(-1.0, change)
            last = yield from self._label(1.0, change)
            if first != last:
                return (yield from self.locate(change)) == 0
        return False

    def locate_compensated(self, beyond: _Beyond) -> Generator[FloatArray, Array, bool]:
        """Find the crossing of a change together with measured changes of opposite effect; False if it is not found."""
        chart, change, side = self.chart, beyond.change, beyond.side
        effects = chart.effects(chart.weight_signs)  # all fine weights equal: this only orders what is tried
        path = min(float(chart.reach(-1.0).sum()), float(chart.reach(1.0).sum()))  # the effect of half the path
        opposing = {part: -side * chart.effect(part, effects) for whole in effects for part in chart.parts(whole)}
        low, high = path, np.inf  # bounds on the effect of the change
        tried: set[tuple[Change, ...]] = {()}
        beyond.compensation = ()
        while True:
            target = low + 0.9 * path if high == np.inf else (low + high) / 2
            compensation = _compensation(change, opposing, target, path)
            total = sum(opposing[other] for other in compensation)
            if compensation in tried or total <= low - path:
                return False  # nothing new can be tried that would narrow the bounds
            tried.add(compensation)
            first = yield from self._label(-1.0, *compensation, change)
            last = yield from self._label(1.0, *compensation, change)
            if first != last:
                return (yield from self.locate(change, compensation)) == 0
            if first == (side > 0):
                low = max(low, total + path)
                beyond.compensation = compensation
            else:
                high = min(high, max(total - path, low))

    def _label(self, t: float, *made: Change) -> Generator[FloatArray, Array, bool]:
        return (yield from is_positive(self.chart.on_path(t, *made), self.known, self.rng))


def _compensation(change: Change, opposing: dict[Change, float], target: float, path: float) -> tuple[Change, ...]:
    """Changes of other features, at most one of each, whose effects in ``opposing`` add up to about ``target``.

    They are chosen greedily, the largest first. If more than ``path`` is missing then, one more is added that exceeds
    it.
    """
    chosen: list[Change] = []
    used = {change.unit}
    missing = target
    for other in sorted(opposing, key=lambda c: -opposing[c]):
        if other.unit not in used and 0 < opposing[other] <= missing:
            chosen.append(other)
            used.add(other.unit)
            missing -= opposing[other]
    if missing > path:
        larger = [other for other in opposing if other.unit not in used and opposing[other] > missing]
        chosen += sorted(larger, key=lambda c: opposing[c])[:1]
    return tuple(chosen)
