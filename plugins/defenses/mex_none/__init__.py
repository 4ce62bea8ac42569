"""The defense ``none``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the defense."""
    return [mex.Component("defense", "none", "mex_none.defense:Undefended", "f* answers itself: the reference")]
