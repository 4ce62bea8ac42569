"""The attack ``path-finding``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the attack."""
    return [
        mex.Component(
            "attack",
            "path-finding",
            "mex_path_finding.attack:PathFinding",
            "find the box of each leaf of a tree from leaf ids, feature by feature (Tramèr et al.)",
        )
    ]
