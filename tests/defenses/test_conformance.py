"""Every registered defense keeps the promises of a defense, at the first example target that it accepts."""

from __future__ import annotations

import pytest

import mex
from mex.testing import check_defense

UNCHANGED = ("none", "query-budget", "query-detector")
"""Defenses that leave answers as they are."""
FIRST = ("model-ensemble",)
"""Defenses that have to stand first in a nest."""


@pytest.mark.parametrize("defense", [p.component.name for p in mex.load_registry().provided("defense")])
def test_every_registered_defense_conforms(registry: mex.Registry, defense: str) -> None:
    built = registry.build("defense", defense)
    check_defense(built, expect_change=defense not in UNCHANGED, nests=defense not in FIRST)
