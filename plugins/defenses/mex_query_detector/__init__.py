"""The defense ``query-detector``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the defense."""
    return [
        mex.Component(
            "defense",
            "query-detector",
            "mex_query_detector.defense:QueryDetector",
            "tests whether a client's rows look like honest ones: raises the alarm, throttles or refuses",
        )
    ]
