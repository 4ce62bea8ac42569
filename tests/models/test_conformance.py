"""Every registered model keeps the promises of a model; of those that are deployed, what they declare."""

from __future__ import annotations

import pytest

import mex
from mex.testing import checks

SMALL = {"random-forest": "random-forest:trees=5"}
MODELS = [p.component.name for p in mex.load_registry().provided("model")]


@pytest.mark.parametrize("model", MODELS)
def test_every_registered_model_conforms(model: str) -> None:
    for check in checks("model", SMALL.get(model, model)):
        check()
