"""What seeds say together: medians with intervals, and queries to a given agreement.

**Medians.** Of an even number of seeds the median is the one of the two in the middle that is better for the attacker:
fewer queries, a higher agreement. Of queries, infinite where an attack never gets there, it is the one of survival
analysis, inf {q: at least half of the seeds are there after q} (Kaplan and Meier 1958; definition 1 of Hyndman and Fan
1996), and of agreement its mirror image. So the median of agreement is at least a level exactly where the median of
the queries to it is finite.

**Intervals.** They end at order statistics, the k-th value from either end, k being the largest with
P(Bin(n, 1/2) < k) <= 0.025. Such an interval covers the median with 95 % or more whatever the distribution, infinite
values included, and holds nothing that was not measured (Thompson 1936; David and Nagaraja, *Order Statistics*, 2003,
Section 7.1). Fewer than six seeds have none: the interval is their range then, and covers the median with 1 - 2^(1-n).
That of a multiplier, a ratio of medians over the same seeds, is the percentile bootstrap over seeds (Efron 1979).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Literal

import attrs
import numpy as np

from mex.app.matrix.units import Point
from mex.types import Array, FloatArray

RESAMPLES, TAILS = 999, (0.025, 0.975)
LEVELS = (0.95, 0.99, 0.999)
"""The agreements whose queries are told, the paper's and the field's usual ones."""


@attrs.frozen
class Estimate:
    """A median over seeds and the ends of its interval; infinite where an attack never got there."""

    value: float
    low: float
    high: float

    @property
    def finite(self) -> bool:
        """Whether the median is a number."""
        return math.isfinite(self.value)


def median(values: Sequence[float | None], fewer: bool = False) -> Estimate | None:
    """The median of what is known and its interval; None if nothing is.

    Args:
        values: one per seed.
        fewer: whether the attacker is better off with less, as of queries.

    >>> median([3.0, 1.0, 2.0]), median([None])
    (Estimate(value=2.0, low=1.0, high=3.0), None)
    >>> median([50.0, float("inf")], fewer=True).value, median([1.0, 0.6]).value
    (50.0, 1.0)
    """
    known = np.array([float(value) for value in values if value is not None and not math.isnan(value)])
    if len(known) == 0:
        return None
    low, middle, high = (float(end) for end in bands(known[:, None], fewer)[:, 0])
    return Estimate(middle, low, high)


def bands(values: FloatArray, fewer: bool = False) -> FloatArray:
    """Low end, median and high end for each column of ``values``, a row per seed; shape (3, columns)."""
    n = len(values)
    end = _order(n)
    return np.sort(values, axis=0)[[end - 1, (n - 1) // 2 if fewer else n // 2, n - end]]


@functools.cache
def _order(n: int) -> int:
    """Which value from either end is the end of the interval of the median of ``n`` values."""
    k, tail = 1, (1 + n) / 2**n  # the chance that fewer than k + 1 values are on one side
    while tail <= TAILS[0]:
        k += 1
        tail += math.comb(n, k) / 2**n
    return k


def coverage(n: int) -> str:
    """What the interval of a median over ``n`` seeds is, for people.

    >>> coverage(3), coverage(9)
    ('the range of the 3 seeds (covers the median with 75 %)', '95 % interval of the median')
    """
    if n < 2:
        return "one seed has no interval"
    if 2.0 ** (1 - n) <= 2 * TAILS[0]:
        return "95 % interval of the median"
    return f"the range of the {n} seeds (covers the median with {100 * (1 - 2.0 ** (1 - n)):.0f} %)"


def _fewest(values: FloatArray) -> FloatArray:
    """The median of queries along the last axis: infinite values sort last and spoil nothing, NaN is left out."""
    known = (~np.isnan(values)).sum(axis=-1, keepdims=True)
    return np.asarray(np.take_along_axis(np.sort(values, axis=-1), (known - 1) // 2, axis=-1)[..., 0])


@functools.cache
def _resamples(n: int) -> Array:
    """The bootstrap samples of ``n`` seeds as indices, those of :func:`scipy.stats.bootstrap`, drawn once."""
    return np.random.default_rng(0).integers(n, size=(RESAMPLES, n))


def queries_to(
    curve: Sequence[Point], level: float, score: Literal["agreement", "class_agreement"] = "agreement"
) -> float:
    """Queries after which an attack agrees to ``level`` and stays there, by its learning curve; infinite if never.

    Between two points of the learning curve the agreement is taken to be linear in the logarithm of the
    queries: the points are a factor of 1.4 apart.

    >>> queries_to([{"queries": 8, "agreement": 0.8}, {"queries": 16, "agreement": 1.0}], 0.9)
    11.313708498984761
    """
    scores = [(point["queries"], float(point[score] or 0.0)) for point in curve]
    below = [i for i, (_, reached) in enumerate(scores) if reached < level]
    first = below[-1] + 1 if below else 0
    if first == len(scores):
        return math.inf
    queries, reached = scores[first]
    if first == 0:
        return float(queries)
    before = max(scores[first - 1][0], 1)
    share = (level - scores[first - 1][1]) / (reached - scores[first - 1][1])
    return float(before * (queries / before) ** share)


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
    if against.size == 0 or without.size == 0 or not np.isfinite(_fewest(without)).any():
        return None

    def best(queries: FloatArray) -> FloatArray:
        medians = _fewest(queries)
        return np.asarray(np.where(np.isnan(medians), np.inf, medians).min(axis=0))

    def factor(which: Array) -> FloatArray:
        numerator, denominator = best(against[:, which]), best(without[:, which])
        finite = np.isfinite(denominator)
        return np.where(finite, numerator / np.where(finite, denominator, 1), np.inf)

    n = against.shape[1]
    value = float(factor(np.arange(n)))
    if n < 2:
        return Estimate(value, value, value)
    low, high = np.quantile(factor(_resamples(n)), TAILS, method="inverted_cdf")  # no mean of two, one of them infinite
    return Estimate(value, float(low), float(high))
