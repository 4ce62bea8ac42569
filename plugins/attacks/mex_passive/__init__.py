"""The attack ``passive``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the attack."""
    return [
        mex.Component(
            "attack",
            "passive",
            "mex_passive.attack:Passive",
            "the PAC baseline: label random points, then minimise the empirical risk",
            counters={
                "query-detector": "passive",
            },
        )
    ]
