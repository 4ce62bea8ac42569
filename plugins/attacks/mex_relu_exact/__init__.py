"""The attack ``relu-exact``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the attack."""
    return [
        mex.Component(
            "attack",
            "relu-exact",
            "mex_relu_exact.attack:ReluExact",
            "a network with one hidden layer of ReLUs, exactly, from its values or probabilities",
        )
    ]
