"""The attack ``pivot``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the attack."""
    return [
        mex.Component(
            "attack",
            "pivot",
            "mex_pivot.attack:Pivot",
            "halfspaces by ratio bisection: within a few percent of the information bound, with wrong labels too",
            counters={
                "bounded-noise": "pivot",
                "hide-low-confidence": "pivot",
                "label-only": "pivot",
                "reverse-sigmoid": "pivot",
                "top-k": "pivot",
            },
        )
    ]
