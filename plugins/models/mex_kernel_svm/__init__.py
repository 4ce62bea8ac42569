"""The model ``kernel-svm``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the model."""
    return [
        mex.Component(
            "model",
            "kernel-svm",
            "mex_kernel_svm.model:KernelSvm",
            "support vector machine with an RBF or polynomial kernel",
        )
    ]
