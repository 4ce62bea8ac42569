"""Conformance tests for plugin authors: one call in your test, and our matrix will not trip over your component.

>>> from mex import load_registry
>>> check_defense(load_registry().build("defense", "bounded-noise:rho=0.2"), expect_change=True)
"""

from __future__ import annotations

from mex.testing.attacks import check_attack
from mex.testing.datasets import check_dataset
from mex.testing.declarations import check_declarations
from mex.testing.defenses import check_defense
from mex.testing.models import check_deployed, check_model

__all__ = ["check_attack", "check_dataset", "check_declarations", "check_defense", "check_deployed", "check_model"]
