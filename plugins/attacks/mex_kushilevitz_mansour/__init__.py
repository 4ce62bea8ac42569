"""The attack ``kushilevitz-mansour``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the attack."""
    return [
        mex.Component(
            "attack",
            "kushilevitz-mansour",
            "mex_kushilevitz_mansour.attack:KushilevitzMansour",
            "find the large Fourier coefficients of a Boolean target, answer with the sign of their sum",
        )
    ]
