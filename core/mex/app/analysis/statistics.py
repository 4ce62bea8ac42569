"""What seeds say together: medians with intervals, and queries to a given agreement."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence

import attrs
import numpy as np

from mex.app.matrix.record import Point
from mex.types import Array, FloatArray

RESAMPLES, TAILS = 999, (0.025, 0.975)
LEVELS = (0.95, 0.99, 0.999)
"""The agreements whose queries are told, the paper's and the field's usual ones."""


@attrs.frozen
class Estimate:
    """A median over seeds, and its 95 % bootstrap interval; infinite where an attack never got there."""

    value: float
    low: float
    high: float

    @property
    def finite(self) -> bool:
        """Whether the median is a number."""
        return math.isfinite(self.value)


def median(values: Sequence[float | None]) -> Estimate | None:
    """The median of what is known, as :func:`middle` has it, with the interval of the percentile bootstrap."""
    known = np.array(_known(values))
    if len(known) == 0:
        return None
    return _estimate(len(known), lambda which: upper_median(known[which]))


def middle(values: Sequence[float | None]) -> float | None:
    """The median of what is known, None if nothing is.

    Of an even number the upper one is taken: a median of queries shall not be better than what half the
    seeds got.

    >>> middle([3.0, 1.0, 2.0]), middle([None]), middle([1.0, float("inf")])
    (2.0, None, inf)
    """
    known = sorted(_known(values))
    return known[len(known) // 2] if known else None


def _known(values: Sequence[float | None]) -> list[float]:
    return [float(value) for value in values if value is not None and not math.isnan(value)]


def bands(values: FloatArray) -> FloatArray:
    """Low end, median and high end for each column of ``values``, a row per seed; shape (3, columns)."""
    middle, drawn = upper_median(values.T), upper_median(values.T[:, _resamples(len(values))])
    low, high = np.quantile(drawn, TAILS, axis=1, method="inverted_cdf")
    return np.array([low, middle, high])


def upper_median(values: FloatArray) -> FloatArray:
    """The upper median along the last axis: infinite values sort last and spoil nothing, NaN is left out."""
    known = (~np.isnan(values)).sum(axis=-1, keepdims=True)
    return np.asarray(np.take_along_axis(np.sort(values, axis=-1), known // 2, axis=-1)[..., 0])


def _estimate(n: int, statistic: Callable[[Array], FloatArray]) -> Estimate:
    """``statistic`` of the indices of ``n`` seeds, and its bootstrap interval."""
    value = float(statistic(np.arange(n)))
    if n < 2:
        return Estimate(value, value, value)
    low, high = np.quantile(
        statistic(_resamples(n)), TAILS, method="inverted_cdf"
    )  # no mean of two, one of them infinite
    return Estimate(value, float(low), float(high))


@functools.cache
def _resamples(n: int) -> Array:
    """The bootstrap samples of ``n`` seeds as indices, those of :func:`scipy.stats.bootstrap`, drawn once."""
    return np.random.default_rng(0).integers(n, size=(RESAMPLES, n))


def queries_to(curve: Sequence[Point], level: float) -> float:
    """Queries after which an attack agrees to ``level`` and stays there, by its learning curve; infinite if never.

    Between two points of the learning curve the agreement is taken to be linear in the logarithm of the
    queries: the points are a factor of 1.4 apart.

    >>> queries_to([{"queries": 8, "agreement": 0.8}, {"queries": 16, "agreement": 1.0}], 0.9)
    11.313708498984761
    """
    below = [i for i, point in enumerate(curve) if point["agreement"] < level]
    first = below[-1] + 1 if below else 0
    if first == len(curve):
        return math.inf
    there = curve[first]
    if first == 0:
        return float(there["queries"])
    before = curve[first - 1]
    from_queries = max(before["queries"], 1)
    share = (level - before["agreement"]) / (there["agreement"] - before["agreement"])
    return float(from_queries * (there["queries"] / from_queries) ** share)


def best_attack_ratio(defended: Sequence[Sequence[float]], bare: Sequence[Sequence[float]]) -> Estimate | None:
    """How many times more queries the best attack needs against a defense than without one.

    The best attack is the one with the fewest queries in the median, chosen for each side by itself (and
    in each bootstrap sample anew): a defense is worth what the best attacker who meets it has to pay.

    Args:
        defended: queries of each attack (outer) and seed (inner) against the defense; infinite if never, NaN
            where that cell did not run.
        bare: the same without it, the seeds in the same order.

    Returns:
        The factor; infinite if no attack gets there any more; None if none did without the defense.
    """
    against = np.atleast_2d(np.array(defended, float))
    without = np.atleast_2d(np.array(bare, float))
    if against.size == 0 or without.size == 0 or not np.isfinite(upper_median(without)).any():
        return None

    def best(queries: FloatArray) -> FloatArray:
        medians = upper_median(queries)
        return np.asarray(np.where(np.isnan(medians), np.inf, medians).min(axis=0))

    def factor(which: Array) -> FloatArray:
        numerator, denominator = best(against[:, which]), best(without[:, which])
        finite = np.isfinite(denominator)
        return np.where(finite, numerator / np.where(finite, denominator, 1), np.inf)

    return _estimate(against.shape[1], factor)
