"""The attack ``query-by-committee``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the attack."""
    return [
        mex.Component(
            "attack",
            "query-by-committee",
            "mex_query_by_committee.attack:QueryByCommittee",
            "ask where the members of a bagged committee disagree most",
        )
    ]
