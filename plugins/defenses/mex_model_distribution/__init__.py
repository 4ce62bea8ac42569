"""The defense ``model-distribution``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the defense."""
    return [
        mex.Component(
            "defense",
            "model-distribution",
            "mex_model_distribution.defense:ModelDistribution",
            "a halfspace drawn for each query from the widest normal distribution that serves honest users",
        )
    ]
