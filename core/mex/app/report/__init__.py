"""The report of a matrix: one page that needs no network, for the screen and for paper."""

from __future__ import annotations

from mex.app.report.page import write

__all__ = ["write"]
