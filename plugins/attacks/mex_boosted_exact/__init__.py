"""The attack ``boosted-exact``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the attack."""
    return [
        mex.Component(
            "attack",
            "boosted-exact",
            "mex_boosted_exact.attack:BoostedExact",
            "boosted trees and forests, exactly, from their values or probabilities",
        )
    ]
