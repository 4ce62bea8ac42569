"""The attack ``boosted-surrogate``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the attack."""
    return [
        mex.Component(
            "attack",
            "boosted-surrogate",
            "mex_boosted_surrogate.attack:BoostedSurrogate",
            "gradient-boosted surrogate of any classifier, asked where its classes are close",
        )
    ]
