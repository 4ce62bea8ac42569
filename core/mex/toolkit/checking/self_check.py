"""How an attack starts that checks itself: some of its questions are kept to see if what it hands over is right."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np

from mex.knowledge import Knowledge
from mex.learner import Learner
from mex.toolkit.checking.allowance import Allowance
from mex.toolkit.checking.learner import SelfChecked

TOLERATED = 0.01
"""The share of rows that a hypothesis may miss and count as right."""


def self_checked(
    knowledge: Knowledge,
    rng: np.random.Generator,
    start: Callable[[Knowledge, np.random.Generator], Learner],
    *,
    eps: float = 0.0,
    tolerated: float = TOLERATED,
    least: float = 0.0,
    rough: float | None = None,
    anytime: bool = False,
) -> SelfChecked:
    """Start a learner that checks itself: the one that ``start`` makes of the knowledge, with a little less budget.

    Args:
        knowledge: what the attacker knows.
        rng: for the learner, as without a check, and for the rows of the check.
        start: makes the learner.
        eps: the error that a hypothesis allows itself, the geometric one of a halfspace, or of thresholds as a share of
            the range of their features: nearer to its boundary nothing is checked.
        tolerated: the share of rows that the hypothesis may miss.
        least: how many queries it takes at least to come to its end, if it is not about a halfspace.
        rough: with how many it may know its target roughly, if that is known better than by its class.
        anytime: whether it makes as much of few queries as a fit to them does.
    """
    allowance, stream = Allowance.of(knowledge, eps, least, rough, anytime=anytime), rng.spawn(1)[0]
    inner = start(attrs.evolve(knowledge, budget=allowance.of_attack), rng)
    return SelfChecked(inner, knowledge, stream, allowance, eps, tolerated)
