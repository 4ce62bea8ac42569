"""The attack ``activeml``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the attack."""
    return [
        mex.Component(
            "attack",
            "activeml",
            "mex_activeml.attack:ActiveML",
            "a pool strategy of scikit-activeml chooses the queries",
        )
    ]
