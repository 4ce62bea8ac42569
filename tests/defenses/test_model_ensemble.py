"""The ensemble: each query is answered by one of several refits, drawn as declared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import mex
from mex.dataset import Rows
from mex.testing import check_defense
from mex.testing.examples import example_target

X, Y = load_iris(return_X_y=True)
TRAIN = Rows(X, Y)
DOMAIN = mex.Domain.of(X)
POINTS = mex.Domain(DOMAIN.lower, DOMAIN.upper).sample(400, np.random.default_rng(0))


def target(learner: Any = None, y: Any = Y, **options: Any) -> mex.FittedTarget:
    learner = learner or DecisionTreeClassifier(random_state=0)
    fitted = type(learner)(**learner.get_params()).fit(X, y)
    return mex.FittedTarget.wrap(fitted, family=mex.Family("tree", learner=learner), **options)


@pytest.fixture
def protect(registry: mex.Registry) -> Callable[..., Any]:
    def build(behind: mex.Target | None = None, train: Rows = TRAIN, seed: int = 0, **params: Any) -> Any:
        defense = registry.build("defense", {"use": "model-ensemble", **params})
        return defense.protect(behind or target(), train, np.random.default_rng(seed))

    return build


def shares(defended: Any, times: int = 3000) -> Any:
    """How often each label is answered to some points, shape (points, 3)."""
    asked = np.repeat(POINTS[:20], times, axis=0)
    return (defended.answer(asked, "label").reshape(20, times)[:, :, None] == np.arange(3)).mean(axis=1)


def test_each_member_is_drawn_as_often(protect: Callable[..., Any]) -> None:
    defended = protect(members=4)
    seen = shares(defended)
    assert (np.abs(4 * seen - np.rint(4 * seen)) < 0.15).all(), "multiples of a quarter"
    assert ((seen > 0.1) & (seen < 0.9)).any(), "members differ somewhere"


def test_one_draw_serves_refresh_queries_and_a_sticky_row_keeps_its_own(protect: Callable[..., Any]) -> None:
    shared = protect(members=5, refresh=1200)
    first, second, third, fourth = (shared.answer(POINTS, "label") for _ in range(4))
    assert np.array_equal(first, second)
    assert np.array_equal(first, third)
    assert not np.array_equal(first, fourth)
    sticky, fresh = protect(sticky=True), protect()
    assert np.array_equal(sticky.answer(POINTS, "label"), sticky.answer(POINTS, "label"))
    assert not np.array_equal(fresh.answer(POINTS, "label"), fresh.answer(POINTS, "label"))
    with pytest.raises(mex.UsageError, match="refresh has no meaning beside it"):
        protect(sticky=True, refresh=2)


def test_members_imitate_the_model_or_learn_the_targets(protect: Callable[..., Any]) -> None:
    wrong = (Y + 1) % 3  # a model that says the next class
    imitating = protect(target(y=wrong)).answer(X, "label")
    learning = protect(target(y=wrong), targets=True).answer(X, "label")
    assert np.mean(imitating == wrong) > 0.9
    assert np.mean(learning == Y) > 0.9


def test_probabilities_are_those_of_the_same_members(protect: Callable[..., Any]) -> None:
    labelled, probable = protect(), protect()
    assert labelled.answers == ("label", "proba")
    told = probable.answer(POINTS, "proba")
    assert told.sum(axis=1) == pytest.approx(1)
    assert np.array_equal(np.argmax(told, axis=1), labelled.answer(POINTS, "label"))


def test_what_members_do_not_give_is_not_offered(protect: Callable[..., Any]) -> None:
    assert protect(target(LinearSVC())).answers == ("label",)
    behind = target()
    leaves = mex.FittedTarget.wrap(behind.estimator, family=behind.family, answers=("leaf", "label"))
    assert protect(leaves).answers == ("label",)
    assert protect().rho is None


def test_a_class_that_no_member_has_seen_has_probability_0(protect: Callable[..., Any]) -> None:
    two = Rows(X[:100], Y[:100])
    told = protect(train=two).answer(POINTS, "proba")
    assert told.shape == (400, 3)
    assert (told[:, 2] == 0).all()
    assert told.sum(axis=1) == pytest.approx(1)


def test_a_rare_class_is_in_every_sample(protect: Callable[..., Any]) -> None:
    rare = np.flatnonzero((Y != 2) | (np.arange(150) == 149))
    defended = protect(train=Rows(X[rare], Y[rare]), members=30, seed=4)
    assert set(defended.answer(np.repeat(X[149:], 500, axis=0), "label")) == {2}


def test_a_regressor_answers_values(protect: Callable[..., Any]) -> None:
    y = X[:, 3] + 0.1 * Y
    behind = target(DecisionTreeRegressor(random_state=0), y)
    defended = protect(behind, Rows(X, y))
    values = defended.answer(X, "value")
    assert defended.answers == ("value",)
    assert np.corrcoef(values, y)[0, 1] > 0.95
    assert not np.array_equal(values, behind.answer(X, "value"))


@pytest.mark.parametrize(
    ("task", "spec"), [("binary", "members=3,sticky=true"), ("multiclass", "members=3"), ("regression", "refresh=3")]
)
def test_it_conforms(registry: mex.Registry, task: str, spec: str) -> None:
    check_defense(registry.build("defense", f"model-ensemble:{spec}"), example_target(task), nests=False)


def test_what_it_cannot_do_is_one_sentence(protect: Callable[..., Any], registry: mex.Registry) -> None:
    with pytest.raises(mex.Incompatible, match="learns from the operator's rows, and there are none"):
        protect(train=Rows(np.empty((0, 4)), np.empty(0)))
    unknown = mex.FittedTarget.wrap(LinearRegression().fit(X, Y), family=mex.Family("LinearRegression"))
    with pytest.raises(mex.Incompatible, match="no learner is known for 'LinearRegression'"):
        protect(unknown)
    with pytest.raises(mex.Incompatible, match="every training row is 0, so all members would be alike"):
        protect(train=Rows(X[:40], Y[:40]))
    noisy = registry.build("defense", "bounded-noise").protect(target(), TRAIN, np.random.default_rng(0))
    with pytest.raises(mex.Incompatible, match="has to stand first in a nest"):
        protect(noisy)
    leaves = mex.FittedTarget.wrap(target().estimator, family=target().family, answers=("leaf",))
    with pytest.raises(mex.Incompatible, match="answers a label; this interface gives leaf"):
        protect(leaves)
