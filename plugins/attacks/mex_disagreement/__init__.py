"""The attack ``disagreement``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the attack."""
    return [
        mex.Component(
            "attack",
            "disagreement",
            "mex_disagreement.attack:Disagreement",
            "keep the halfspaces of a finite class that fit, and ask only where they disagree",
        )
    ]
