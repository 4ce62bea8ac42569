"""What a model promises: one that is fitted, and one that is there already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import attrs
import numpy as np

from mex.answers import checked_answers
from mex.dataset import Dataset, Rows, Table
from mex.fitted import Deployed, FittedTarget, Model
from mex.testing.declarations import DECLARATIONS
from mex.testing.examples import example_dataset
from mex.testing.kit import check_all, once, raise_if_written
from mex.toolkit.tabular.holding import hold
from mex.types import FloatArray

FEW = 10
"""Rows that are also asked one by one."""


@attrs.frozen(eq=False)
class Fits:
    """A target, another that should be the same, and how rows of its domain are had."""

    target: FittedTarget
    again: FittedTarget
    _rows: Callable[[], FloatArray]

    @property
    def X(self) -> FloatArray:
        """Rows of the target's domain, shape (n, d)."""
        return self._rows()


@attrs.frozen(eq=False, slots=False)
class ModelTrial:
    """A model, fitted twice with one seed for each task that it declares."""

    component: Model
    kind: ClassVar[str] = "model"
    checks: ClassVar[Sequence[Callable[[Any], None]]]

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks it declares."""
        return self.component.scope.tasks or ("binary", "multiclass", "regression")

    @once
    def fits(self) -> list[Fits]:
        """What it fits, one for each task."""
        return [self._fitted(example_dataset(task)) for task in self.tasks]

    def _fitted(self, data: Dataset) -> Fits:
        one, other = (self.component.fit(data, Rows(data.X, data.y), np.random.default_rng(5)) for _ in range(2))
        return Fits(one, other, lambda: one.encode(data.X))


@attrs.frozen(eq=False, slots=False)
class DeployedTrial:
    """A deployed model, opened twice for a table; without one only what it declares is looked at."""

    component: Deployed
    table: Table | None = attrs.field(default=None, kw_only=True)
    kind: ClassVar[str] = "model"

    @property
    def checks(self) -> Sequence[Callable[[Any], None]]:
        """Each promise that can be tried."""
        return DECLARATIONS if self.table is None else DEPLOYED

    @once
    def fits(self) -> list[Fits]:
        """What it opens."""
        assert self.table is not None
        target, again = self.component.open(self.table), self.component.open(self.table)
        assert target.schema is not None, (
            "the target of a deployed model has a schema, which encodes its tables: give FittedTarget.wrap schema=..."
        )
        X = hold(target, self.table).X
        return [Fits(target, again, lambda: X)]


def leaves_what_it_was_lent(trial: ModelTrial) -> None:
    """It writes into no row that it is fitted to."""
    raise_if_written(trial, lambda: trial.fits)


def gives_an_unfitted_estimator(trial: ModelTrial) -> None:
    """For each task it gives an estimator of its class that was not fitted, for attacks that learn over the class."""
    for task in trial.tasks:
        estimator = trial.component.estimator(task, np.random.default_rng(5))
        assert callable(getattr(estimator, "fit", None)), (
            f"estimator must return an unfitted estimator for a {task} task, not {type(estimator).__name__}"
        )
        assert not hasattr(estimator, "n_features_in_"), (
            "estimator must return one that is not fitted: make a new one, and fit another in fit"
        )


def fits_each_task(trial: ModelTrial) -> None:
    """It fits each task that it declares."""
    for task, fits in zip(trial.tasks, trial.fits, strict=True):
        assert isinstance(fits.target, FittedTarget), (
            f"fit must return a mex.FittedTarget, not {type(fits.target).__name__}: use mex.FittedTarget.wrap"
        )
        values = fits.target.classes is None
        assert values == (task == "regression"), (
            f"a {task} task must give a target {'with' if values else 'without'} classes: fit the estimator of the task"
        )


def opens(trial: DeployedTrial) -> None:
    """It opens for a table, and has a schema that encodes it."""
    assert trial.fits


def takes_its_own_rows(trial: ModelTrial | DeployedTrial) -> None:
    """The domain takes the rows it was fitted on, or opened for."""
    for fits in trial.fits:
        objection = fits.target.domain.objection(fits.X)
        assert objection is None, (
            "the target's domain must accept the rows it was fitted on, or opened for"
            f" ({objection}): take the dataset's domain, and encode rows where the interface takes others"
        )


def answers_what_an_interface_may(trial: ModelTrial | DeployedTrial) -> None:
    """Answers are labels, probabilities that sum to one, leaves or numbers, one for each row."""
    for fits in trial.fits:
        for kind in fits.target.answers:
            checked_answers(fits.target.answer(fits.X, kind), len(fits.X), kind, fits.target.classes)


def answers_row_by_row(trial: ModelTrial | DeployedTrial) -> None:
    """A batch is answered as its rows one by one."""
    for fits in trial.fits:
        for kind in fits.target.answers:
            batch = fits.target.answer(fits.X, kind)[:FEW]
            one_by_one = np.concatenate([fits.target.answer(row[None], kind) for row in fits.X[:FEW]])
            alike = one_by_one == batch if one_by_one.dtype.kind in "OUS" else np.isclose(one_by_one, batch)
            assert alike.all(), (
                f"{kind}: a batch must be answered as its rows are one by one: compute nothing over the batch, such as"
                " a mean to centre it by"
            )


def repeats_itself(trial: ModelTrial | DeployedTrial) -> None:
    """The same seed fits the same model; a deployed one is the same whenever it is opened."""
    how = (
        "a model opened twice must answer alike"
        if isinstance(trial, DeployedTrial)
        else ("the same seed must fit the same model: set random_state from the generator that fit was given")
    )
    for fits in trial.fits:
        for kind in fits.target.answers:
            same = np.array_equal(fits.target.answer(fits.X, kind), fits.again.answer(fits.X, kind))
            assert same, f"{kind}: {how}"


ANSWERS = (takes_its_own_rows, answers_what_an_interface_may, answers_row_by_row, repeats_itself)
MODEL = (*DECLARATIONS, leaves_what_it_was_lent, gives_an_unfitted_estimator, fits_each_task, *ANSWERS)
DEPLOYED = (*DECLARATIONS, opens, *ANSWERS)
ModelTrial.checks = MODEL


def check_model(model: Model) -> FittedTarget:
    """Check that a model fits every task it declares and answers as it says; return the last target.

    Raises:
        AssertionError: with the promise that is broken.
        MexError: with the sentence that its cells of a matrix would fail with.
    """
    trial = ModelTrial(model)
    check_all(trial)
    return trial.fits[-1].target


def check_deployed(model: Deployed, table: Table) -> FittedTarget:
    """Check that a model that is there already opens for a table and answers its rows as it says; return the target.

    Raises:
        AssertionError: with the promise that is broken.
        MexError: with the sentence that its cells of a matrix would fail with.
    """
    trial = DeployedTrial(model, table=table)
    check_all(trial)
    return trial.fits[-1].target
