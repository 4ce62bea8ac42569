"""The model ``random-forest``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the model."""
    return [
        mex.Component(
            "model",
            "random-forest",
            "mex_random_forest.model:RandomForest",
            "random forest, classification or regression",
        )
    ]
