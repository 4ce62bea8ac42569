"""The attack ``tree-structure``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the attack."""
    return [
        mex.Component(
            "attack",
            "tree-structure",
            "mex_tree_structure.attack:TreeStructure",
            "recover a tree exactly from its leaf ids, or from its values where they tell leaves apart",
        )
    ]
