"""The dataset ``csv``: a file of yours."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the dataset."""
    return [mex.Component("dataset", "csv", "mex_csv.dataset:Csv", "a CSV file of yours, plain or .gz: csv:path=FILE")]
