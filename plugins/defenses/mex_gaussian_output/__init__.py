"""The defense ``gaussian-output``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the defense."""
    return [
        mex.Component(
            "defense",
            "gaussian-output",
            "mex_gaussian_output.defense:GaussianOutput",
            "probabilities with Gaussian noise, fresh for each query or sticky for each row",
        )
    ]
