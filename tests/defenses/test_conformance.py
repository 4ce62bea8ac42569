"""Every registered defense keeps the promises of a defense, at the first example target that it accepts."""

from __future__ import annotations

import pytest

import mex
from mex.testing import check_defense

UNCHANGED = ("none", "query-budget", "query-detector")
"""Defenses that leave answers as they are."""


@pytest.mark.parametrize("defense", [p.component.name for p in mex.load_registry().provided("defense")])
def test_every_registered_defense_conforms(registry: mex.Registry, defense: str) -> None:
    check_defense(registry.build("defense", defense), expect_change=defense not in UNCHANGED)
