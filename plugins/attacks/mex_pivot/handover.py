"""When the learner of ``bayes-point`` takes over: where ratios cannot be bisected, or the budget ends too early."""

from __future__ import annotations

from mex import Incompatible, Knowledge
from mex.toolkit.bayes_point.start import MOST_WEIGHTS, weights_of
from mex.toolkit.bounds import query_bound

SLACK = 1.3
"""How many times the least number of queries a budget has to be for the bisection to come to its end."""
MOST_SHORT = 400
"""The most weights for which it takes over because of the budget; with more each of its queries takes too long."""


def hands_over(known: Knowledge, eps: float, *, certified: bool) -> bool:
    """Whether ``bayes-point`` takes over, which has a hypothesis from the first answers on and asks rows themselves.

    It does on interfaces with whole numbers and categories. On others it does so if the budget ends before ``eps`` can
    be reached: the bisection finds one ratio of weights after the other, and half of them are not a halfspace.

    Raises:
        Incompatible: if a certificate is wanted on whole numbers or categories.
    """
    domain, n = known.domain, weights_of(known)
    moving = domain.lower < domain.upper
    if domain.discrete[moving].any() and n <= MOST_WEIGHTS:
        if certified:
            raise Incompatible(
                "pivot certifies no error on whole numbers and categories: bayes-point may prove its end"
            )
        return True
    if known.budget is None or certified or n > MOST_SHORT or not domain.bounded:
        return False
    d = n * (int(moving.sum()) + 1) // (domain.n_features + 1)
    return known.budget < SLACK * query_bound(max(d, 1), min(eps, 1.0), known.rho or 0.0)
