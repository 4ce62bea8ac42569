"""The attack ``dual-space``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the attack."""
    return [
        mex.Component(
            "attack",
            "dual-space",
            "mex_dual_space.attack:DualSpace",
            "kernel machines: halve the version space, by simple, MaxMin or ratio margin",
        )
    ]
