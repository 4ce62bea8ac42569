"""The dataset ``parquet``: a file of yours."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the dataset."""
    return [
        mex.Component(
            "dataset",
            "parquet",
            "mex_parquet.dataset:Parquet",
            "a Parquet or Feather file of yours: parquet:path=FILE",
        )
    ]
