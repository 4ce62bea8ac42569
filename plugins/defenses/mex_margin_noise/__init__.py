"""The defense ``margin-noise``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the defense."""
    return [
        mex.Component(
            "defense",
            "margin-noise",
            "mex_margin_noise.defense:MarginNoise",
            "noise on the score before its sign: the nearer the boundary, the more often a label is wrong",
        )
    ]
