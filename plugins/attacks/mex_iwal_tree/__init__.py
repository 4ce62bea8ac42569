"""The attack ``iwal-tree``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the attack."""
    return [
        mex.Component(
            "attack",
            "iwal-tree",
            "mex_iwal_tree.attack:IwalTree",
            "importance-weighted active learning of a tree from a stream of unlabeled rows",
        )
    ]
