"""What honest traffic looks like to a test, and when a client's does not."""

from __future__ import annotations

import math
from typing import Any, Protocol

import attrs
import numpy as np
from scipy.stats import beta

from mex.domain import Domain
from mex.types import BoolArray, FloatArray

FARTHEST = 3.0
"""Deviations from the mean beyond which a value counts as if it were there.

What has long tails has values that no benign row of a few thousand shows: one of an honest client would be an
alarm, and how often that is nobody could tell from the benign rows.
"""
SPLITS = 40
"""Ways of dealing the benign rows out to the operator and to honest clients."""


class Shared:
    """What never changes: copies of a client share it."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self


@attrs.frozen(eq=False)
class Standard(Shared):
    """Rows in units of the benign rows' deviation, or of the domain's half-width where they are constant.

    A feature that a row leaves out (NaN) counts as the mean.
    """

    mean: FloatArray
    scale: FloatArray

    @classmethod
    def of(cls, benign: FloatArray, domain: Domain) -> Standard:
        """Measure benign rows, shape (m, d)."""
        deviation = benign.std(axis=0)
        return cls(benign.mean(axis=0), np.where(deviation > 1e-9 * domain.half_width, deviation, domain.half_width))

    def __call__(self, X: FloatArray) -> FloatArray:
        return np.nan_to_num(np.clip((X - self.mean) / self.scale, -FARTHEST, FARTHEST))


class Session(Protocol):
    """A client's traffic so far."""

    def add(self, Z: FloatArray, every: int) -> FloatArray:
        """Take more blocks of ``every`` rows; after each, how suspicious all so far are: the larger, the more."""
        ...


class Reference(Protocol):
    """What a test has learned from benign rows."""

    def session(self) -> Session:
        """A client that has sent nothing yet."""
        ...


class Statistic(Protocol):
    """A test of rows that it has described once for all.

    Attributes:
        first: rows before the first test.
        two_sample: whether it compares a client's rows with benign ones, or with each other.
    """

    @property
    def first(self) -> int: ...
    @property
    def two_sample(self) -> bool: ...
    def describe(self, X: FloatArray) -> FloatArray: ...
    def against(self, Z: FloatArray) -> Reference: ...


@attrs.frozen
class FalseAlarms:
    """The share of honest windows in which the alarm is raised, with a 95% interval.

    The windows are drawn from few rows and share some: the interval is that of as many windows as
    these rows fill without sharing.
    """

    rate: float
    low: float
    high: float
    windows: float


@attrs.frozen(eq=False)
class Calibration(Shared):
    """Bounds that honest clients stay within.

    Attributes:
        statistic, reference: the test, and what it knows of benign rows.
        every: rows between two tests.
        bounds: the largest honest score at each test of a window, shape (tests in a window,).
        fresh: described benign rows that the bounds do not depend on.
    """

    statistic: Statistic
    reference: Reference
    every: int
    bounds: FloatArray
    fresh: FloatArray

    def false_alarms(self, windows: int = 200) -> FalseAlarms:
        """How often honest clients are suspected, measured on windows drawn from the fresh rows."""
        rng = np.random.default_rng(0)
        length = min(len(self.bounds), len(self.fresh) // self.every) * self.every
        sessions = [self.fresh[rng.permutation(len(self.fresh))[:length]] for _ in range(windows)]
        scores = np.array([self.reference.session().add(Z, self.every) for Z in sessions])
        alarms = (scores > self.bounds[: scores.shape[1]]).any(axis=1)
        rate, n = float(np.mean(alarms)), len(self.fresh) / length
        k = rate * n
        low = float(beta.ppf(0.025, k, n - k + 1)) if k > 0 else 0.0
        high = float(beta.ppf(0.975, k + 1, n - k)) if k < n else 1.0
        return FalseAlarms(rate, low, high, n)


def tested(statistic: Statistic, window: int, every: int) -> BoolArray:
    """After which blocks of a window there is a test."""
    return np.arange(every, window + 1, every) >= statistic.first


def calibrated(
    statistic: Statistic, Z: FloatArray, window: int, every: int, alpha: float, rng: np.random.Generator
) -> FloatArray:
    """Bounds that an honest client passes in a window with probability ``alpha``, at whichever of its tests.

    Benign rows are dealt out, half to the operator and half to clients, who each send a window of them. The
    scores are put in standard units test by test, and the bound is a quantile of their *largest* in a
    window: the repeated testing is in it. A real operator knows all the benign rows, and errs less.

    Args:
        statistic: the test.
        Z: benign rows that it has described, at least twice a window.
        window, every: rows in a window, and between two tests.
        alpha: false alarms per window.
        rng: where the deals come from.
    """
    half = len(Z) // 2
    clients = math.ceil(max(100, 2 / alpha) / SPLITS)
    paths = []
    for _ in range(SPLITS):
        rows = Z[rng.permutation(len(Z))]
        reference = statistic.against(rows[half:])
        sessions = (rows[rng.permutation(half)[:window]] for _ in range(clients))
        paths += [reference.session().add(session, every) for session in sessions]
    scores = np.array(paths)
    mean, deviation = scores.mean(axis=0), scores.std(axis=0)
    deviation = np.maximum(deviation, 1e-9 * (1 + np.abs(mean)))  # benign rows all alike have no deviation
    standard = (scores - mean) / deviation
    if not statistic.two_sample:
        # Clients who share their rows are more alike than others: the correction for a finite population.
        deviation /= np.sqrt(1 - every * np.arange(1, len(deviation) + 1) / len(Z))
    when = tested(statistic, window, every)
    largest = np.sort(standard[:, when].max(axis=1))
    rank = min(math.ceil((1 - alpha) * (len(largest) + 1)), len(largest))
    return np.where(when, mean + largest[rank - 1] * deviation, np.inf)
