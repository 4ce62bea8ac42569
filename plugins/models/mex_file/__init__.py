"""The model ``file``: one that has been fitted and saved, in the formats of many libraries."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the model."""
    return [mex.Component("model", "file", "mex_file.model:File", "a model of yours on disk: file:path=FILE")]
