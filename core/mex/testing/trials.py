"""The trial of each kind of component, and its checks for ``pytest.mark.parametrize``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mex.errors import UsageError, suggest
from mex.fitted import Deployed
from mex.hooks import KINDS
from mex.registry import Registry
from mex.registry.spec import Spec
from mex.testing.answers import AnswerTrial
from mex.testing.attacks import AttackTrial
from mex.testing.datasets import DatasetTrial
from mex.testing.defenses import CheckedDefense
from mex.testing.kit import Check, Trial, named
from mex.testing.models import DeployedTrial, ModelTrial

TRIALS: dict[str, Callable[..., Trial]] = {
    "answer": AnswerTrial,
    "attack": AttackTrial,
    "defense": CheckedDefense,
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


def checks(kind: str, component: Any, **options: Any) -> list[Check]:
    """The checks of one component, for ``pytest.mark.parametrize``::

        @pytest.mark.parametrize("check", checks("attack", "corner-guess:rounds=5", least_agreement=0.8))
        def test_it_keeps_the_promises_of_an_attack(check):
            check()

    What several checks look at, such as the run of an attack, is computed once.

    Args:
        kind: attack, defense, model, dataset or answer.
        component: as on the command line, of a plugin that is installed; or the component itself.
        options: what the function that does all of them at once takes: :func:`mex.testing.check_attack`,
            :func:`~mex.testing.check_defense`, :func:`~mex.testing.check_model` (and ``table``, the table that a
            deployed model opens, as in :func:`~mex.testing.check_deployed`), :func:`~mex.testing.check_dataset`,
            :func:`~mex.testing.check_answer`.

    Raises:
        UsageError: if there is no such kind, component or option.
    """
    from mex.registry.loader import installed

    if isinstance(component, str | Mapping | Spec):
        return checks_of(installed(), kind, component, options)
    return named(trial_of(kind, component, options), type(component).__name__)


def checks_of(
    registry: Registry, kind: str, spec: str | Mapping[str, Any] | Spec, options: Mapping[str, Any]
) -> list[Check]:
    """The checks of a component of a registry."""
    spec = Spec.of(spec, kind)
    component = registry.build(kind, spec) if kind in KINDS else registry.target(kind, spec.name)
    return named(trial_of(kind, component, options), str(spec))
