"""The model ``endpoint``: a model behind HTTP."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the model."""
    return [
        mex.Component(
            "model",
            "endpoint",
            "mex_endpoint.model:Endpoint",
            "a model behind HTTP, whose rows may cost money: endpoint:url=http://…,preset=v2",
        )
    ]
