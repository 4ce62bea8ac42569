"""The attack ``lowd-meek``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the attack."""
    return [
        mex.Component(
            "attack",
            "lowd-meek",
            "mex_lowd_meek.attack:LowdMeek",
            "find a feature that tells the classes apart, then weigh every other one against it by a line search",
        )
    ]
