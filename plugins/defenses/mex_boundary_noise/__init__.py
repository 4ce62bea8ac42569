"""The defense ``boundary-noise``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the defense."""
    return [
        mex.Component(
            "defense",
            "boundary-noise",
            "mex_boundary_noise.defense:BoundaryNoise",
            "wrong labels in a zone along the decision boundary, true ones elsewhere",
        )
    ]
