"""The model and the dataset ``recorded``: what a ledger, or the access log of a gateway, holds."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register both."""
    return [
        mex.Component(
            "model",
            "recorded",
            "mex_recorded.model:Recorded",
            "the answers that a ledger or an access log holds, at no cost: recorded:path=FILE",
        ),
        mex.Component(
            "dataset",
            "recorded",
            "mex_recorded.dataset:RecordedRows",
            "the rows that a ledger or an access log holds: recorded:path=FILE",
        ),
    ]
