"""The conformance kit for plugin authors: what passes it, the matrix does not trip over.

The checks of a component by their names, for ``pytest.mark.parametrize``; ``pytest --mex-checks`` finds all
components of the package under test by itself; or one call for all of them.

>>> from mex import load_registry
>>> from mex.testing import check_defense, checks
>>> check_defense(load_registry().build("defense", "bounded-noise:rho=0.2"), expect_change=True)
>>> [check.name for check in checks("dataset", "haberman")][-2:]
['has-a-label-or-value-a-row', 'loads-the-same-again']
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mex.testing.answers import check_answer
    from mex.testing.attacks import check_attack
    from mex.testing.datasets import check_dataset
    from mex.testing.declarations import check_declarations
    from mex.testing.defenses import check_defense
    from mex.testing.kit import Check
    from mex.testing.models import check_deployed, check_model
    from mex.testing.trials import checks

_HOME = {
    "Check": "kit",
    "check_answer": "answers",
    "check_attack": "attacks",
    "check_dataset": "datasets",
    "check_declarations": "declarations",
    "check_defense": "defenses",
    "check_deployed": "models",
    "check_model": "models",
    "checks": "trials",
}

__all__ = [
    "Check",
    "check_answer",
    "check_attack",
    "check_dataset",
    "check_declarations",
    "check_defense",
    "check_deployed",
    "check_model",
    "checks",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:  # on first use: pytest loads the plugin of this package in every run
        return getattr(importlib.import_module(f"mex.testing.{_HOME[name]}"), name)
    raise AttributeError(f"module 'mex.testing' has no attribute {name!r}")
