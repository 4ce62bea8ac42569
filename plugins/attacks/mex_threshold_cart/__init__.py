"""The attack ``threshold-cart``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the attack."""
    return [
        mex.Component(
            "attack",
            "threshold-cart",
            "mex_threshold_cart.attack:ThresholdCart",
            "a decision tree from labels alone, where the data are: thresholds by walks, the better of two fits",
        )
    ]
