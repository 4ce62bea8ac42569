"""The model ``mlp``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the model."""
    return [
        mex.Component(
            "model",
            "mlp",
            "mex_mlp.model:Mlp",
            "neural network with one or more hidden layers, classification or regression",
        )
    ]
