"""The attack ``version-space``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the attack."""
    return [
        mex.Component(
            "attack",
            "version-space",
            "mex_version_space.attack:VersionSpace",
            "halve the largest ellipsoid in the version space of a halfspace, query by query",
        )
    ]
