"""The model ``kernel-ridge``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the model."""
    return [
        mex.Component(
            "model",
            "kernel-ridge",
            "mex_kernel_ridge.model:KernelRidge",
            "kernel ridge regression with an RBF or polynomial kernel",
        )
    ]
