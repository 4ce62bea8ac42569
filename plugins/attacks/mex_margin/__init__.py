"""The attack ``margin``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the attack."""
    return [
        mex.Component(
            "attack",
            "margin",
            "mex_margin.attack:Margin",
            "uncertainty sampling: ask the candidates that the model so far is least sure of",
        )
    ]
