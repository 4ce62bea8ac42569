"""The defense ``reverse-sigmoid``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the defense."""
    return [
        mex.Component(
            "defense",
            "reverse-sigmoid",
            "mex_reverse_sigmoid.defense:ReverseSigmoid",
            "probabilities deceptively perturbed, the label kept",
        )
    ]
