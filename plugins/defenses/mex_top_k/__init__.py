"""The defense ``top-k``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the defense."""
    return [
        mex.Component(
            "defense",
            "top-k",
            "mex_top_k.defense:TopK",
            "the probabilities of the k most probable classes only",
        )
    ]
