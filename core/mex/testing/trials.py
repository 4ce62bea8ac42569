"""The trial of each kind of component."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mex.errors import UsageError, suggest
from mex.fitted import Deployed
from mex.testing.answers import AnswerTrial
from mex.testing.attacks import AttackTrial
from mex.testing.datasets import DatasetTrial
from mex.testing.defense_trial import DefenseTrial
from mex.testing.kit import Trial
from mex.testing.models import DeployedTrial, ModelTrial

TRIALS: dict[str, Callable[..., Trial]] = {
    "answer": AnswerTrial,
    "attack": AttackTrial,
    "defense": DefenseTrial,
    "model": ModelTrial,
    "dataset": DatasetTrial,
}


def trial_of(kind: str, component: Any, options: Mapping[str, Any]) -> Trial:
    """A component on trial.

    Raises:
        UsageError: if there is no such kind, or its checks have no such option.
    """
    if kind not in TRIALS:
        raise UsageError(f"no kind of component is called {kind!r}{suggest(kind, TRIALS)}")
    start = DeployedTrial if isinstance(component, Deployed) else TRIALS[kind]
    try:
        return start(component, **options)
    except TypeError as error:
        raise UsageError(f"the checks of a {kind}: {error}") from None
