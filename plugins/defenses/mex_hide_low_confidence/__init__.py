"""The defense ``hide-low-confidence``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the defense."""
    return [
        mex.Component(
            "defense",
            "hide-low-confidence",
            "mex_hide_low_confidence.defense:HideLowConfidence",
            "no probabilities below a threshold, but for the largest",
        )
    ]
