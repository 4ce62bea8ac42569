"""The fixtures of the audits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from audited import outcome, ready, small_forests, subject

__all__ = ["outcome", "ready", "subject"]


@pytest.fixture
def small() -> Iterator[None]:
    """Small forests in the audits of a test."""
    with small_forests():
        yield
