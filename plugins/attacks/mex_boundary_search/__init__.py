"""The attack ``boundary-search``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the attack."""
    return [
        mex.Component(
            "attack",
            "boundary-search",
            "mex_boundary_search.attack:BoundarySearch",
            "kernel machines: bisect rows to the boundary of the target, then fit",
        )
    ]
