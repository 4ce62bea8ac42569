"""The model ``logistic``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the model."""
    return [
        mex.Component("model", "logistic", "mex_logistic.model:Logistic", "logistic regression, two classes or more")
    ]
