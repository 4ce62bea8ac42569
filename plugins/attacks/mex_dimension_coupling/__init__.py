"""The attack ``dimension-coupling``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the attack."""
    return [
        mex.Component(
            "attack",
            "dimension-coupling",
            "mex_dimension_coupling.attack:DimensionCoupling",
            "couple the dimensions of a halfspace two by two, each pair by noisy bisection of a circle",
        )
    ]
