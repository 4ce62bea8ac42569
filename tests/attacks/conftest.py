"""What the tests of attacks share."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def small_forests(monkeypatch: pytest.MonkeyPatch) -> None:
    """What fits the answers best where an attack is cut short is often a forest: of few trees it takes less time."""
    monkeypatch.setattr("mex.toolkit.checking.candidates.TREES", 5)


@pytest.fixture
def few_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same inside attacks, whose own forests are larger than what is said of them needs."""
    monkeypatch.setattr("mex.toolkit.trees.near_data.VOTERS", 1)
    monkeypatch.setattr("mex_boosted_surrogate.students.IMPORTANCES", 5)
