"""The attack ``majority-vote``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the attack."""
    return [
        mex.Component(
            "attack",
            "majority-vote",
            "mex_majority_vote.attack:MajorityVote",
            "ask every query of another attack many times and tell it the majority label",
        )
    ]
