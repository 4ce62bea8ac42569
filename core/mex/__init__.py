"""mex: how many queries, and dollars, does it take to steal a model, and what does each defense buy?

The names below are the whole public interface. They load on first use, so that ``import mex``
costs attrs and pluggy only.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from mex.errors import AnswerError, Incompatible, MexError, QueryError, Refused, UsageError
from mex.hooks import Component, hookimpl

if TYPE_CHECKING:
    from mex.api import attack, matrix
    from mex.dataset import Dataset
    from mex.defense import Defended, Defense
    from mex.domain import Domain
    from mex.extraction import Extraction, extract
    from mex.families import Family
    from mex.hypotheses import halfspace
    from mex.knowledge import Knowledge, Scope
    from mex.learner import Attack, GeneratorLearner, Learner
    from mex.loader import load_registry
    from mex.oracle import Oracle
    from mex.registry import Registry
    from mex.serving import DefendedClassifier, DefendedRegressor
    from mex.target import FittedTarget, Model, Target

__version__ = "0.1.0"

_HOME = {
    "attack": "api",
    "matrix": "api",
    "Attack": "learner",
    "Dataset": "dataset",
    "Defended": "defense",
    "DefendedClassifier": "serving",
    "DefendedRegressor": "serving",
    "Defense": "defense",
    "Domain": "domain",
    "Extraction": "extraction",
    "extract": "extraction",
    "Family": "families",
    "FittedTarget": "target",
    "GeneratorLearner": "learner",
    "halfspace": "hypotheses",
    "Knowledge": "knowledge",
    "Learner": "learner",
    "load_registry": "loader",
    "Model": "target",
    "Oracle": "oracle",
    "Registry": "registry",
    "Scope": "knowledge",
    "Target": "target",
}

__all__ = [
    "AnswerError",
    "Attack",
    "Component",
    "Dataset",
    "Defended",
    "DefendedClassifier",
    "DefendedRegressor",
    "Defense",
    "Domain",
    "Extraction",
    "Family",
    "FittedTarget",
    "GeneratorLearner",
    "Incompatible",
    "Knowledge",
    "Learner",
    "MexError",
    "Model",
    "Oracle",
    "QueryError",
    "Refused",
    "Registry",
    "Scope",
    "Target",
    "UsageError",
    "attack",
    "extract",
    "halfspace",
    "hookimpl",
    "load_registry",
    "matrix",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"mex.{_HOME[name]}"), name)
    raise AttributeError(f"module 'mex' has no attribute {name!r}")
