"""Whether a narrow posterior is grossly wrong, by the answers to directions off its mean."""

from __future__ import annotations

import math

from scipy.special import logit, ndtr

from mex_pivot.around import OFF
from mex_pivot.search import Goal

TESTED = 0.2
"""The share of the probability of an error above eps that may be left to gross errors."""

MOST_GROSS, MOST_UNKNOWN = 0.02, 0.005
"""The largest probability of a gross error with which the search ends; where the rate is not known, which it needs.
"""

GROSS, FEW = 0.15, 15
"""The probability, before it is tested, that the error is gross: an unlikely run of wrong answers that the
posterior takes for right. In more than so few dimensions it falls with them, as a run has to be longer to matter."""

GROSS_UNKNOWN = 0.45
"""The same where the rate is not known: directions at even odds tell nothing of it, so that before the first test no
answer contradicts a posterior that is as narrow as wanted, whatever the rate."""

NOISY = 0.05
"""From this rate of wrong answers on it is as large as that; it falls to nothing with the rate."""

WIDER = 10.0
"""A gross error is taken for so many times the standard one."""

LIKELY = 0.8
"""The probability of a gross error that is taken for certainty."""


class GrossError:
    """The odds that a posterior lies somewhere else than w*, and the tests that tell.

    A test is a direction :data:`.around.OFF` standard deviations off the mean: its answer is a surprise if it is not
    the one that the mean gives. More surprises than wrong answers explain show a gross error.

    Args:
        d: the dimension.
        goal: what is wanted, at the error ``eps``.
        known_rho: whether the rate of wrong answers is known.
    """

    def __init__(self, d: int, goal: Goal, eps: float, *, known_rho: bool) -> None:
        self._d = d
        self._known_rho = known_rho
        # A gross error counts as 2, the diameter of the sphere, where the mean square is wanted.
        most = MOST_GROSS if known_rho else MOST_UNKNOWN
        allowed = eps**2 / 16 if goal.stop == "rms" else min(TESTED * (1 - goal.confidence), most)
        self._allowed = float(logit(allowed))
        self._log_odds = 0.0
        self._tested = 0

    def begin(self, rho: float) -> None:
        """Doubt another posterior, at a rate of wrong answers."""
        known = GROSS * min(FEW / self._d, 1.0) * min(rho / NOISY, 1.0)
        self._log_odds = float(logit(max(known, 1e-12) if self._known_rho else GROSS_UNKNOWN))
        self._tested = 0

    @property
    def unlikely(self) -> bool:
        """Whether it is as improbable as the goal allows."""
        return self._log_odds <= self._allowed

    @property
    def likely(self) -> bool:
        """Whether it is so probable that the posterior is to be given up."""
        return self._log_odds >= math.log(LIKELY / (1 - LIKELY))

    def wanted(self, rho: float) -> int:
        """How many tests to make next: half of those that show that it is unlikely, or more the longer it takes."""
        _, _, sure = _weights(rho)
        n = math.ceil((self._log_odds - self._allowed) / sure)
        return max(2, (n + 1) // 2, self._tested // 4)

    def tell(self, surprises: int, n: int, rho: float) -> None:
        """Take the answers to ``n`` tests."""
        surprise, other, _ = _weights(rho)
        self._log_odds += surprises * surprise + (n - surprises) * other
        self._tested += n


def _weights(rho: float) -> tuple[float, float, float]:
    """What a surprising answer and another one add to the log odds, and what one takes off in the mean."""
    fine, gross = (rho + (1 - 2 * rho) * float(ndtr(-OFF / wide)) for wide in (1.0, math.hypot(1, WIDER)))
    surprise, other = math.log(gross / fine), math.log((1 - gross) / (1 - fine))
    return surprise, other, -(fine * surprise + (1 - fine) * other)
