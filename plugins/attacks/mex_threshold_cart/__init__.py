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
            "CART over exact thresholds, found by walks between rows that differ: for agreement on data",
        )
    ]
