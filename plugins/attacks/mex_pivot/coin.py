"""Whether answers whose unknown rate of wrong ones seems large tell anything, or are those of a coin."""

from __future__ import annotations

import math

from mex.toolkit.bayes_point.posterior import LARGEST
from mex.types import Array

DOUBTFUL, AFTER = 0.3, 10
"""It is tested once an unknown rate is found to be so large, after so many queries a dimension."""

HOPELESS, LATER = 0.98 * LARGEST, 2
"""It is tested again if the rate is found to be so large once there are so many times the answers."""

TELLING = 0.6
"""If answers tell anything, those along the mean are right at least so often; those of a coin are half of the time."""

TOGETHER = 10
"""How many directions along the mean are asked at a time."""

COIN, HALFSPACE = -math.log(100), math.log(20)
"""The log odds at which either is taken for true."""


class CoinTest:
    """A sequential test of directions along the mean, which need no more of the posterior than the right hemisphere.

    Bisection itself tells nothing of this: its directions are at even odds, as the answers of a coin are.

    Args:
        d: the dimension.

    Attributes:
        failed: whether the answers are those of a coin.
    """

    def __init__(self, d: int) -> None:
        self.failed = False
        self._running = False
        self._log_odds = 0.0
        self._rho, self._after = DOUBTFUL, AFTER * d

    def due(self, rho: float, asked: int) -> bool:
        """Whether to go on with it, at a rate of wrong answers that was found in so many."""
        self._running = self._running or (rho > self._rho and asked > self._after)
        return self._running

    def tell(self, signs: Array, asked: int) -> bool:
        """Take answers, +1 for those that the mean gives; whether they are shown to tell something."""
        right = int((signs > 0).sum())
        self._log_odds += right * math.log(2 * TELLING) + (len(signs) - right) * math.log(2 * (1 - TELLING))
        self.failed = self._log_odds <= COIN
        if self._log_odds < HALFSPACE:
            return False
        self._running, self._log_odds = False, 0.0
        self._rho, self._after = HOPELESS, LATER * asked
        return True
