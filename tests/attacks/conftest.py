"""What the tests of attacks share."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def small_forests(monkeypatch: pytest.MonkeyPatch) -> None:
    """What fits the answers best where an attack is cut short is often a forest: of few trees it takes less time."""
    monkeypatch.setattr("mex.toolkit.checking.candidates.TREES", 5)


@pytest.fixture
def few_voters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is no matter how good a tree from labels is, the forest beside it has as many trees as its committee."""
    monkeypatch.setattr("mex.toolkit.trees.near_data.VOTERS", 1)
