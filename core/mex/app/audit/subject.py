"""What is audited: a model, what its owner has to ask it about, and what its interface shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import attrs
import numpy as np

from mex.app.audit.depth import RACE_SEED
from mex.app.matrix.isolation import isolated
from mex.app.matrix.live import Live
from mex.app.matrix.paid import evaluation_budget
from mex.app.matrix.scenarios import is_deployed, open_deployed, set_scene
from mex.dataset import Rows
from mex.errors import Incompatible, MexError, UsageError, sentence
from mex.fitted import FittedTarget
from mex.registry import Registry
from mex.registry.spec import Spec
from mex.target import labels
from mex.toolkit.tabular.holding import as_rows, free_texts
from mex.types import Answer, FloatArray

ASKED = 1000
"""Rows of the table that a model which costs nothing is asked to see how its answers vary."""


@attrs.frozen(eq=False)
class Subject:
    """A model that was opened.

    Attributes:
        registry: the components, with the model and the data among them where they are objects.
        model, dataset: resolved specs.
        target: the model behind its interface.
        rows: the owner's rows, and their targets if the data has labels.
        read: what the model was found to take of the data, in a sentence.
        evaluation_budget: how many rows may be asked to measure, of a model that costs money; None for any number.
        live: objects of this process that the model and the data are.
    """

    registry: Registry
    model: Spec
    dataset: Spec
    target: FittedTarget
    rows: Rows
    read: str
    evaluation_budget: int | None
    live: Live | None = None

    @property
    def costs_money(self) -> bool:
        """Whether its rows are paid for."""
        return self.evaluation_budget is not None

    @property
    def pool(self) -> FloatArray:
        """Rows such as an attacker may have, shape (n, d), all complete."""
        return self.rows.X

    @property
    def kinds(self) -> tuple[Answer, ...]:
        """The kinds of answer that the interface gives, the usual one first."""
        return tuple(self.target.answers)

    @property
    def texts(self) -> list[str]:
        """The names of the columns of free text."""
        return [str(column.name) for column in free_texts(self.target)]

    def tables(self) -> dict[str, Any]:
        """The axes of a plan that say what is attacked."""
        return {
            axis: {spec.name: {"use": spec.name, **spec.params}}
            for axis, spec in (("models", self.model), ("datasets", self.dataset))
        }


Given: TypeAlias = Spec | str | Mapping[str, Any]
"""A component as people write it."""


def open_subject(registry: Registry, model: Given, dataset: Given, live: Live | None = None) -> Subject:
    """Open a model and the data that its owner has; one that costs money is asked as many rows as opening takes.

    Raises:
        UsageError: if there is no such model or data, one does not suit the other, or the model gives one answer only.
    """
    specs = registry.resolve("model", model), registry.resolve("dataset", dataset)
    budget = evaluation_budget(registry, specs[0])
    try:
        target, rows, read = _opened(registry, *specs)
    except Incompatible as error:
        raise UsageError(str(error)) from None
    except (MexError, KeyboardInterrupt):
        raise
    except Exception as error:  # the model's own code
        raise UsageError(f"{specs[0].name} cannot be opened: {sentence(error)}") from error
    subject = Subject(registry, *specs, target, rows, read, budget, live)
    if budget is None:
        _check_answers(subject)
    return subject


def _opened(registry: Registry, model: Spec, dataset: Spec) -> tuple[FittedTarget, Rows, str]:
    if not is_deployed(registry, model):
        scene = set_scene(registry, model, dataset, RACE_SEED)
        return scene.target, scene.pool, ""
    with isolated(RACE_SEED):
        target, held = open_deployed(registry, model, dataset)
        remote = evaluation_budget(registry, model) is not None
        rows = Rows(held.X, np.zeros(len(held.X))) if remote else as_rows(target, held.X, held.y)
    return target, rows, str(held)


def _check_answers(subject: Subject) -> None:
    """Raise a :class:`UsageError` if all rows are answered alike, or the labels of all are one."""
    X, truth = subject.pool[:ASKED], np.unique(subject.rows.y)
    with isolated(RACE_SEED):
        answers = labels(subject.target, X)
    if len(X) and len(np.unique(answers)) == 1:
        raise UsageError(
            f"the model answers {answers[0]!s} to each of {len(X)} rows of the data: one constant answer would be its "
            "copy; give rows that it answers differently"
        )
    if subject.target.classes is not None and len(truth) == 1:
        raise UsageError(
            f"all {len(subject.pool)} rows of the data are of one class, {truth[0]!s}: they tell neither copies nor "
            "the costs of defenses apart; give rows of every class"
        )
