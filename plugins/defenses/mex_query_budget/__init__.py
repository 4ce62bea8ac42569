"""The defense ``query-budget``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the defense."""
    return [
        mex.Component(
            "defense",
            "query-budget",
            "mex_query_budget.defense:QueryBudget",
            "a client is answered so many rows, and none after them",
        )
    ]
