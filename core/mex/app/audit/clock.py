"""The time plan of an audit: which of its parts may take until when."""

from __future__ import annotations

import math
import time

import attrs

SHARES = {"race": 0.45, "judging": 0.25, "defenses": 0.18, "weaker thieves": 0.12}
"""The parts in their order, and which share of the time each may take; what one leaves, the next ones have."""
FIRST_TRY, LONG, LONGEST = 0.15, 0.25, 0.6
"""Of the time of a part of one core, what a cell of the race may take at most: in the first heat, if it asks as much as
when it is judged, and in the second heat."""
OF_ALL, CORES = 0.4, 2
"""Of the time of any other part on so many cores, what an attack may take at most in all its seeds together."""
LEAST = 5.0
"""Seconds that every cell may take, however short the plan."""


@attrs.frozen
class Clock:
    """A plan that has begun.

    Attributes:
        seconds: all that it may take; infinite for no end.
        planned: from what cells have their limits: the same, or what its depth has if that is more.
        started: when it began, as :func:`time.monotonic` has it.
    """

    seconds: float = math.inf
    planned: float = math.inf
    started: float = attrs.field(factory=time.monotonic)

    def until(self, part: str) -> float:
        """When a part ends at the latest."""
        names = list(SHARES)
        return self.started + self.seconds * sum(SHARES[name] for name in names[: names.index(part) + 1])

    def limit(self, part: str, share: float) -> float | None:
        """Seconds of CPU time that a cell of a part may take, a share of what is planned for it; None for any."""
        return None if math.isinf(self.planned) else max(LEAST, share * self.planned * SHARES[part])


def share_of_seed(seeds: int) -> float:
    """The share that a cell may take of the time of a part, where it is run with so many seeds.

    >>> share_of_seed(2)
    0.4
    """
    return OF_ALL * CORES / seeds


def share_of(until: float, share: float) -> float:
    """When the next stage has to be done, if it may have so much of the time until then.

    >>> now = time.monotonic()
    >>> round(share_of(now + 30, 1 / 3) - now)
    10
    """
    now = time.monotonic()
    return now + max(0.0, until - now) * share if math.isfinite(until) else until


def plan_text(seconds: float) -> str:
    """The plan for people.

    >>> plan_text(120)
    'the race ends after 0:54, judging after 1:24, defenses after 1:46, weaker thieves after 2:00 at the latest'
    """
    if math.isinf(seconds):
        return "nothing is ended before it is done"
    clock = Clock(seconds, started=0.0)
    times = [f"{part} after {_told(clock.until(part))}" for part in SHARES]
    return f"the {', '.join(times)} at the latest".replace("race after", "race ends after")


def _told(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"
