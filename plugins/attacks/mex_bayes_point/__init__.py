"""The attack ``bayes-point``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the attack."""
    return [
        mex.Component(
            "attack",
            "bayes-point",
            "mex_bayes_point.attack:BayesPoint",
            "linear models on any interface, by what a posterior of all answers is least sure of",
            counters={
                "bounded-noise": "bayes-point",
                "hide-low-confidence": "bayes-point",
                "label-only": "bayes-point",
                "reverse-sigmoid": "bayes-point",
                "top-k": "bayes-point",
            },
        )
    ]
