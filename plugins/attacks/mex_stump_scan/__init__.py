"""The attack ``stump-scan``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the attack."""
    return [
        mex.Component(
            "attack",
            "stump-scan",
            "mex_stump_scan.attack:StumpScan",
            "boosted stumps, exactly: find every step along each axis by bisection",
        )
    ]
