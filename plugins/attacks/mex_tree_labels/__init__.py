"""The attack ``tree-labels``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the attack."""
    return [
        mex.Component(
            "attack",
            "tree-labels",
            "mex_tree_labels.attack:TreeLabels",
            "a decision tree from labels alone, on its whole domain: exact thresholds, smallest tree that fits",
        )
    ]
