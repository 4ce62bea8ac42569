"""The calibration of a test: the scores that honest clients do not exceed."""

from __future__ import annotations

import math
from typing import Any, Protocol

import attrs
import numpy as np
from scipy.stats import beta

from mex.domain import Domain
from mex.types import BoolArray, FloatArray

FARTHEST = 3.0
"""Values are clipped at so many standard deviations from the mean.

Values far out in a long tail may occur in no benign row; without clipping one of them would raise the alarm, at a rate
that cannot be estimated from the benign rows.
"""
SPLITS = 40
"""How often the benign rows are divided at random among the operator and honest clients."""


class Shared:
    """A base for immutable objects, which deep copies share."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self


@attrs.frozen(eq=False)
class Standard(Shared):
    """Standardises rows by benign ones, or by half the domain's width where these are constant; NaN is the mean."""

    mean: FloatArray
    scale: FloatArray

    @classmethod
    def of(cls, benign: FloatArray, domain: Domain) -> Standard:
        """By the mean and standard deviation of benign rows, shape (m, d)."""
        deviation = benign.std(axis=0)
        return cls(benign.mean(axis=0), np.where(deviation > 1e-9 * domain.half_width, deviation, domain.half_width))

    def __call__(self, X: FloatArray) -> FloatArray:
        return np.nan_to_num(np.clip((X - self.mean) / self.scale, -FARTHEST, FARTHEST))


class Session(Protocol):
    """The rows of a client so far."""

    memory: Any
    """All that it remembers, JSON-ready; one without rows that is given it goes on from there."""

    def add(self, Z: FloatArray, every: int) -> FloatArray:
        """Add blocks of ``every`` rows; return the score of all rows so far after each block, large if not honest."""
        ...


class Reference(Protocol):
    """A test fitted to benign rows."""

    def session(self) -> Session:
        """A client without rows."""
        ...


class Statistic(Protocol):
    """A test of whether rows are those of an honest client.

    Attributes:
        first: rows before the first test.
        two_sample: whether it compares a client's rows with benign ones, instead of with each other.

    :meth:`describe` gives the features of rows, shape (n, k), that the test works on; :meth:`against` fits the test to
    the features of benign rows.
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

    Windows are drawn from few rows and overlap. The interval is that for ``windows``, as many as the rows fill without
    overlap.
    """

    rate: float
    low: float
    high: float
    windows: float


@attrs.frozen(eq=False)
class Calibration(Shared):
    """The bounds on the scores of honest clients.

    Attributes:
        statistic, reference: the test, and the test fitted to benign rows.
        every: rows between two tests.
        bounds: the bound at each test of a window, shape (tests in a window,).
        fresh: features of benign rows that were not used for the bounds.
    """

    statistic: Statistic
    reference: Reference
    every: int
    bounds: FloatArray
    fresh: FloatArray

    def false_alarms(self, windows: int = 200) -> FalseAlarms:
        """How often honest clients raise the alarm, measured on windows drawn from the fresh rows."""
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
    """After which blocks of a window there is a test, shape (blocks,)."""
    return np.arange(every, window + 1, every) >= statistic.first


def calibrated(
    statistic: Statistic, Z: FloatArray, window: int, every: int, alpha: float, rng: np.random.Generator
) -> FloatArray:
    """The bounds that an honest client exceeds at some test of a window with probability ``alpha``.

    Benign rows are divided at random, half to the operator and half to clients, who each send a window of them. Scores
    are standardised test by test, and the bound is a quantile of the *largest* in a window, which accounts for
    repeated testing. The operator of the defense knows all benign rows, so that its errors are smaller.

    Args:
        statistic: the test.
        Z: the features of benign rows, at least twice as many as a window.
        window, every: rows in a window, and between two tests.
        alpha: false alarms per window.
        rng: divides the rows.
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
    deviation = np.maximum(deviation, 1e-9 * (1 + np.abs(mean)))  # equal scores have none
    standard = (scores - mean) / deviation
    if not statistic.two_sample:
        # Clients with rows in common are more alike than others: the correction for a finite population.
        deviation /= np.sqrt(1 - every * np.arange(1, len(deviation) + 1) / len(Z))
    when = tested(statistic, window, every)
    largest = np.sort(standard[:, when].max(axis=1))
    rank = min(math.ceil((1 - alpha) * (len(largest) + 1)), len(largest))
    return np.where(when, mean + largest[rank - 1] * deviation, np.inf)
