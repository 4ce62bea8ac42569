"""The attack ``margin``."""

from __future__ import annotations

import mex

NEAR = "margin:sampler=near,batch=50"
"""Between the data, a batch asks around the boundary: noise that is near it only averages out."""


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the attack."""
    return [
        mex.Component(
            "attack",
            "margin",
            "mex_margin.attack:Margin",
            "uncertainty sampling: ask the candidates that the model so far is least sure of",
            counters={
                "boundary-noise": NEAR,
                "gaussian-output": NEAR,
                "margin-noise": NEAR,
                "model-distribution": NEAR,
                "model-ensemble": NEAR,
                "query-detector": "margin:batch=10",
                "reverse-sigmoid": NEAR,
            },
        )
    ]
