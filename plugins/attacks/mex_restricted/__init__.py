"""The attack ``restricted``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the attack."""
    return [
        mex.Component(
            "attack",
            "restricted",
            "mex_restricted.attack:Restricted",
            "another attack by a thief who has no unlabeled rows, does not know the class of the model, or guesses it",
        )
    ]
