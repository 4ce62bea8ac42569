"""Every registered model keeps the promises of a model; of those that are deployed, what they declare."""

from __future__ import annotations

import pytest

import mex
from mex.testing import Check, checks

SMALL = {"random-forest": "random-forest:trees=5"}
MODELS = [p.component.name for p in mex.load_registry().provided("model")]


@pytest.mark.parametrize("check", [check for name in MODELS for check in checks("model", SMALL.get(name, name))])
def test_every_registered_model_conforms(check: Check) -> None:
    check()
