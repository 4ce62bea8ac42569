"""The checks of a model find what they are there to find, and say what to do; the examples are what they are called."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import numpy as np
import pytest
import wrong
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import mex
from mex.dataset import Rows
from mex.target import knowledge, labels
from mex.testing import check_deployed, check_model, checks
from mex.testing.declarations import DECLARATIONS
from mex.testing.examples import example_dataset, example_target
from mex.toolkit.metrics import agreement
from mex.types import Array, Estimator, FloatArray


@attrs.frozen(kw_only=True)
class Tree:
    """A tree that keeps its promises. The models below are this one, but for one mistake."""

    scope: ClassVar[mex.Scope] = mex.Scope(tasks="binary")
    paper: ClassVar[str] = "none"

    def estimator(self, task: str, rng: np.random.Generator) -> Estimator:
        return DecisionTreeClassifier(max_depth=3, random_state=0)

    def fit(self, dataset: mex.Dataset, train: Rows, rng: np.random.Generator) -> Any:
        fitted = self.estimator(dataset.task, rng).fit(train.X, train.y)
        return mex.FittedTarget.wrap(fitted, domain=self.domain(dataset))

    def domain(self, dataset: mex.Dataset) -> mex.Domain:
        return dataset.domain


class Sorting(Tree):
    """Sorts the columns that it is fitted to."""

    def fit(self, dataset: mex.Dataset, train: Rows, rng: np.random.Generator) -> Any:
        train.X.sort(axis=0)
        return super().fit(dataset, train, rng)


class Fitted(Tree):
    """Gives an estimator that is fitted."""

    def estimator(self, task: str, rng: np.random.Generator) -> Estimator:
        data = example_dataset(task)
        return DecisionTreeClassifier(random_state=0).fit(data.X, data.y)


class Nameless(Tree):
    """Gives the name of its class instead of an estimator."""

    def estimator(self, task: str, rng: np.random.Generator) -> Estimator:
        return "tree"

    def fit(self, dataset: mex.Dataset, train: Rows, rng: np.random.Generator) -> Any:
        return mex.FittedTarget.wrap(DecisionTreeClassifier(random_state=0).fit(train.X, train.y))


class Bare(Tree):
    """Gives the estimator that it fitted, without a face."""

    def fit(self, dataset: mex.Dataset, train: Rows, rng: np.random.Generator) -> Any:
        return super().fit(dataset, train, rng).estimator


class Regressing(Tree):
    """Fits the labels as values."""

    def estimator(self, task: str, rng: np.random.Generator) -> Estimator:
        return DecisionTreeRegressor(random_state=0)


class Narrow(Tree):
    """Takes half of the rows."""

    def domain(self, dataset: mex.Dataset) -> mex.Domain:
        return mex.Domain(dataset.domain.lower / 2, dataset.domain.upper / 2)


class Unseeded(Tree):
    """Draws from nowhere."""

    def estimator(self, task: str, rng: np.random.Generator) -> Estimator:
        return DecisionTreeClassifier(splitter="random", max_features=1, max_depth=3)


class Counting(DecisionTreeClassifier):  # type: ignore[misc]
    """Probabilities are counts."""

    def predict_proba(self, X: FloatArray) -> Array:
        return np.asarray(240 * super().predict_proba(X))


class Centring(DecisionTreeClassifier):  # type: ignore[misc]
    """Rows are centred by the mean of their batch."""

    def predict(self, X: FloatArray) -> Array:
        return np.asarray(super().predict(X - X.mean(axis=0)))


class Unnormed(Tree):
    """Answers counts."""

    def estimator(self, task: str, rng: np.random.Generator) -> Estimator:
        return Counting(max_depth=3, random_state=0)


class Centred(Tree):
    """Centres what it is asked."""

    def estimator(self, task: str, rng: np.random.Generator) -> Estimator:
        return Centring(max_depth=3, random_state=0)


WRONG: list[tuple[str, Any, str]] = [
    ("leaves-what-it-was-lent", Sorting(), "the model changes what it was lent"),
    ("gives-an-unfitted-estimator", Fitted(), "estimator must return one that is not fitted: make a new one"),
    ("gives-an-unfitted-estimator", Nameless(), "must return an unfitted estimator for a binary task, not str"),
    ("fits-each-task", Bare(), "fit must return a mex.FittedTarget, not DecisionTreeClassifier: use mex.FittedTarget"),
    ("fits-each-task", Regressing(), "a binary task must give a target with classes: fit the estimator of the task"),
    ("takes-its-own-rows", Narrow(), r"must accept the rows it was fitted on.* outside .*: take the dataset's domain"),
    ("answers-what-an-interface-may", Unnormed(), "probabilities that are not 240 rows, one for each class, that sum"),
    ("answers-row-by-row", Centred(), "label: a batch must be answered as its rows are one by one: compute nothing"),
    ("repeats-itself", Unseeded(), "the same seed must fit the same model: set random_state from the generator"),
]


@pytest.mark.parametrize(("name", "model", "said"), WRONG)
def test_what_is_wrong_with_a_model_is_said(name: str, model: Any, said: str) -> None:
    wrong.assert_first_broken("model", model, name, said)


@attrs.frozen(kw_only=True)
class Placed:
    """A deployed tree that keeps its promises. The one below is this one, but for one mistake."""

    scope: ClassVar[mex.Scope] = mex.Scope()
    paper: ClassVar[str] = "none"

    def open(self, table: mex.Table | None) -> mex.FittedTarget:
        data = example_dataset()
        tree = DecisionTreeClassifier(random_state=0).fit(data.X, data.y)
        assert table is not None
        return mex.FittedTarget.wrap(tree, schema=self.schema(table))

    def schema(self, table: mex.Table) -> mex.Schema | None:
        return mex.Schema.of(table.columns)


class Schemaless(Placed):
    """Forgets the schema."""

    def schema(self, table: mex.Table) -> mex.Schema | None:
        return None


TABLE = mex.Table("rows", example_dataset().X)


def test_what_is_wrong_with_a_deployed_model_is_said() -> None:
    said = "a deployed model has a schema, which encodes its tables: give FittedTarget.wrap schema="
    wrong.assert_first_broken("model", Schemaless(), "opens", said, table=TABLE)


def test_there_is_a_wrong_model_for_each_check() -> None:
    own = {check.name for check in checks("model", Tree())[len(DECLARATIONS) :]}
    assert own == {name for name, _, _ in WRONG}
    placed = {check.name for check in checks("model", Placed(), table=TABLE)[len(DECLARATIONS) :]}
    assert placed - own == {"opens"}, "the others are those of models that are fitted"


def test_a_model_that_keeps_its_promises_passes() -> None:
    assert check_model(Tree()).answers == ("label", "proba")
    assert check_deployed(Placed(), TABLE).schema is not None


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_the_example_targets_are_what_they_are_called(task: str) -> None:
    assert example_dataset(task).task == task
    target = example_target(task)
    assert target.domain.objection(example_dataset(task).X) is None
    assert example_target(homogeneous=True).estimator.intercept_ == 0


@pytest.mark.parametrize("family", ["linear", "kernel", "tree", "forest", "boosted"])
@pytest.mark.parametrize("task", ["binary", "regression"])
def test_there_is_an_example_target_of_every_family(task: str, family: str) -> None:
    target = example_target(task, family=family)
    data = example_dataset(task)
    assert (target.family.kind, knowledge(target).task) == (family, task)
    assert agreement(labels(target, data.X), data.y, task == "regression") > 0.4
