"""The attack ``adaptive-retraining``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the attack."""
    return [
        mex.Component(
            "attack",
            "adaptive-retraining",
            "mex_adaptive_retraining.attack:AdaptiveRetraining",
            "kernel machines: rounds of line search on the model so far and refit; uniform and line-search retraining",
        )
    ]
