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
    from mex.app.api import attack, matrix
    from mex.app.audit.api import audit, recommend
    from mex.dataset import Dataset, Rows, Table
    from mex.defense import Defended, Defense
    from mex.domain import Domain
    from mex.extraction import Extraction, extract
    from mex.fitted import Deployed, FittedTarget, Model
    from mex.knowledge import Family, Knowledge, Scope
    from mex.learner import Attack, GeneratorLearner, Learner, Steps
    from mex.oracle import Oracle
    from mex.registry import Registry
    from mex.registry.loader import load_registry
    from mex.schema import Schema
    from mex.serving import DefendedClassifier, DefendedRegressor
    from mex.target import Target
    from mex.toolkit.estimators import halfspace
    from mex.toolkit.tabular.schemas import schema_of

__version__ = "0.1.0"

_HOME = {
    "attack": "app.api",
    "audit": "app.audit.api",
    "recommend": "app.audit.api",
    "matrix": "app.api",
    "Attack": "learner",
    "Dataset": "dataset",
    "Defended": "defense",
    "DefendedClassifier": "serving",
    "DefendedRegressor": "serving",
    "Defense": "defense",
    "Deployed": "fitted",
    "Domain": "domain",
    "Extraction": "extraction",
    "extract": "extraction",
    "Family": "knowledge",
    "FittedTarget": "fitted",
    "GeneratorLearner": "learner",
    "halfspace": "toolkit.estimators",
    "Knowledge": "knowledge",
    "Learner": "learner",
    "load_registry": "registry.loader",
    "Model": "fitted",
    "Oracle": "oracle",
    "Registry": "registry",
    "Rows": "dataset",
    "Schema": "schema",
    "schema_of": "toolkit.tabular.schemas",
    "Scope": "knowledge",
    "Steps": "learner",
    "Table": "dataset",
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
    "Deployed",
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
    "Rows",
    "Schema",
    "Scope",
    "Steps",
    "Table",
    "Target",
    "UsageError",
    "attack",
    "audit",
    "extract",
    "halfspace",
    "hookimpl",
    "load_registry",
    "matrix",
    "recommend",
    "schema_of",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"mex.{_HOME[name]}"), name)
    raise AttributeError(f"module 'mex' has no attribute {name!r}")
