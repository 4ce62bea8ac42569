"""The model ``gaussian-process``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the model."""
    return [
        mex.Component(
            "model",
            "gaussian-process",
            "mex_gaussian_process.model:GaussianProcess",
            "Gaussian process, classification or regression",
        )
    ]
