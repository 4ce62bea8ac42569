"""The defense ``bounded-noise``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the defense."""
    return [
        mex.Component(
            "defense",
            "bounded-noise",
            "mex_bounded_noise.defense:BoundedNoise",
            "a wrong label with probability rho, fresh for each query or sticky for each row",
        )
    ]
