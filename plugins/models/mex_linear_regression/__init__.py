"""The model ``linear-regression``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the model."""
    return [
        mex.Component(
            "model",
            "linear-regression",
            "mex_linear_regression.model:LinearRegression",
            "least squares with an intercept",
        )
    ]
