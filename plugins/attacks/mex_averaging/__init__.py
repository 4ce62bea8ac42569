"""The attack ``averaging``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the attack."""
    return [
        mex.Component(
            "attack",
            "averaging",
            "mex_averaging.attack:Averaging",
            "average labeled random directions: breaks a model drawn afresh for each query",
            counters={
                "model-distribution": "averaging:eps=0.05,scale=0.01",
            },
        )
    ]
