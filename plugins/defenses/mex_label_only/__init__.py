"""The defense ``label-only``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the defense."""
    return [
        mex.Component(
            "defense",
            "label-only",
            "mex_label_only.defense:LabelOnly",
            "labels, and neither probabilities nor leaves",
        )
    ]
