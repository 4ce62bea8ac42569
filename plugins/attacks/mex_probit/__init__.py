"""The attack ``probit``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the attack."""
    return [
        mex.Component(
            "attack",
            "probit",
            "mex_probit.attack:Probit",
            "fit the mean of a model drawn for each query, told how draws spread",
        )
    ]
