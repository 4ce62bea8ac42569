"""Every registered defense keeps the promises of a defense, at the first example target that it accepts."""

from __future__ import annotations

import pytest

import mex
from mex.testing import checks

UNCHANGED = ("none", "query-budget", "query-detector")
"""Defenses that leave answers as they are."""
FIRST = ("model-ensemble",)
"""Defenses that have to stand first in a nest."""


DEFENSES = [p.component.name for p in mex.load_registry().provided("defense")]


@pytest.mark.parametrize("defense", DEFENSES)
def test_every_registered_defense_conforms(defense: str) -> None:
    for check in checks("defense", defense, expect_change=defense not in UNCHANGED, nests=defense not in FIRST):
        check()
