"""The model ``decision-tree``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the model."""
    return [
        mex.Component(
            "model",
            "decision-tree",
            "mex_decision_tree.model:DecisionTree",
            "CART decision tree, classification or regression",
        )
    ]
