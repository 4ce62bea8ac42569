"""Datasets shipped with mex, most of them from the UCI Machine Learning Repository."""

from __future__ import annotations

import mex
from mex_uci.manifest import RECORDS


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register one dataset per record."""
    return [mex.Component("dataset", r.name, f"mex_uci.dataset:{r.class_name}", r.summary) for r in RECORDS]
