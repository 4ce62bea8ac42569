"""The defense ``rounding``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the defense."""
    return [
        mex.Component(
            "defense",
            "rounding",
            "mex_rounding.defense:Rounding",
            "probabilities or values rounded to a few digits, or to a grid",
        )
    ]
