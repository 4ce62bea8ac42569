"""The attack ``selective-sampling``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the attack."""
    return [
        mex.Component(
            "attack",
            "selective-sampling",
            "mex_selective_sampling.attack:SelectiveSampling",
            "watch a stream of rows and ask only those whose label is not implied yet",
        )
    ]
