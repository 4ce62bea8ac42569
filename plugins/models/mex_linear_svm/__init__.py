"""The model ``linear-svm``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the model."""
    return [mex.Component("model", "linear-svm", "mex_linear_svm.model:LinearSvm", "linear support vector machine")]
