"""The attack ``active-regression``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the attack."""
    return [
        mex.Component(
            "attack",
            "active-regression",
            "mex_active_regression.attack:ActiveRegression",
            "Gaussian-process surrogate of a smooth regressor, asked where it knows least",
        )
    ]
