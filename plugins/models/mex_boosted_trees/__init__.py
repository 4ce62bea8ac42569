"""The model ``boosted-trees``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the model."""
    return [
        mex.Component(
            "model",
            "boosted-trees",
            "mex_boosted_trees.model:BoostedTrees",
            "gradient-boosted trees, stumps by default, classification or regression",
        )
    ]
