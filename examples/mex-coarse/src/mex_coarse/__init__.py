"""A third-party plugin: registering it is all that this file does."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the defense."""
    return [mex.Component("defense", "coarse", "mex_coarse.defense:Coarse", "the model sees queries on a coarse grid")]
