"""How an attack starts the learner."""

from __future__ import annotations

import numpy as np

from mex.errors import Incompatible
from mex.knowledge import Knowledge
from mex.learner import Learner
from mex.toolkit.bayes_point.learner import BayesPointLearner
from mex.toolkit.bayes_point.queries import Settings
from mex.toolkit.checking.learner import SelfChecked
from mex.toolkit.checking.self_check import self_checked

LARGEST_RHO = 0.45
"""The largest share of wrong labels it works with."""
MOST_WEIGHTS = 1500
"""The most weights: the posterior takes their square in memory, and their cube in time."""


def bayes_point(attack: str, knowledge: Knowledge, rng: np.random.Generator, settings: Settings) -> SelfChecked:
    """Start a learner that checks itself; ``attack`` names the attack in the error.

    Raises:
        Incompatible: if labels are wrong too often, or there are too many weights.
    """
    if knowledge.rho is not None and knowledge.rho > LARGEST_RHO:
        share = f"a share of {LARGEST_RHO:g} of wrong labels"
        raise Incompatible(f"{attack} works up to {share} on such interfaces; this one is {knowledge.rho:g}")
    if (n := weights_of(knowledge)) > MOST_WEIGHTS:
        raise Incompatible(f"{attack} works up to {MOST_WEIGHTS} weights, and this model may have {n}")

    def start(told: Knowledge, own: np.random.Generator) -> Learner:
        return BayesPointLearner(told, own, settings)

    return self_checked(knowledge, rng, start, eps=settings.eps, anytime=True)


def weights_of(knowledge: Knowledge) -> int:
    """How many weights a linear model has at most on an interface."""
    assert knowledge.classes is not None
    return (len(knowledge.classes) - 1) * (knowledge.domain.n_features + 1)
