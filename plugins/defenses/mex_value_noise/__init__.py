"""The defense ``value-noise``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the defense."""
    return [
        mex.Component(
            "defense",
            "value-noise",
            "mex_value_noise.defense:ValueNoise",
            "values with Gaussian noise, fresh for each query or sticky for each row",
        )
    ]
