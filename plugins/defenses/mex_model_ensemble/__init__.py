"""The defense ``model-ensemble``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the defense."""
    return [
        mex.Component(
            "defense",
            "model-ensemble",
            "mex_model_ensemble.defense:ModelEnsemble",
            "one of several bootstrap refits of the model drawn for each query",
        )
    ]
