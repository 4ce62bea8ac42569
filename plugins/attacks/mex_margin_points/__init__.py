"""The attack ``margin-points``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the attack."""
    return [
        mex.Component(
            "attack",
            "margin-points",
            "mex_margin_points.attack:MarginPoints",
            "kernel machines: spread queries over the boundary of the model so far, found without a query",
        )
    ]
