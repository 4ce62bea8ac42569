"""The attack ``flip-search``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the attack."""
    return [
        mex.Component(
            "attack",
            "flip-search",
            "mex_flip_search.attack:FlipSearch",
            "importance-weighted active learning of a forest, with the search for the trees to flip",
        )
    ]
