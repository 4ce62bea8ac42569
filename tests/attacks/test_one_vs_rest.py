"""equation-solving before one-vs-rest models: exact from a fifth more rows than unknowns, a fit where nothing is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris, load_wine
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mex
from mex.testing import check_attack
from mex.types import Array, FloatArray
from mex_equation_solving.attack import EquationSolving
from mex_equation_solving.one_vs_rest import ALIKE

MODELS = {
    "one-vs-rest": OneVsRestClassifier(LogisticRegression()),
    "sgd": SGDClassifier(loss="log_loss", random_state=0),
}


class Altered(mex.Defended):
    """Probabilities changed by a function."""

    def __init__(self, target: mex.Target, change: Callable[[FloatArray], FloatArray]) -> None:
        super().__init__(target)
        self._change = change

    def answer(self, X: FloatArray, kind: Any) -> Array:
        answers = self._target.answer(X, kind)
        return self._change(answers) if kind == "proba" else answers


def target(model: Any = MODELS["one-vs-rest"], load: Any = load_iris) -> tuple[mex.FittedTarget, FloatArray]:
    X, y = load(return_X_y=True)
    return mex.FittedTarget.wrap(make_pipeline(StandardScaler(), model).fit(X, y), domain=mex.Domain.of(X)), X


def steal(given: mex.Target, pool: FloatArray | None, budget: int = 1000, **params: Any) -> Any:
    oracle = mex.Oracle(given, answers="proba", budget=budget)
    learner = EquationSolving(**params).learner(oracle.knowledge(pool=pool), np.random.default_rng(0))
    return mex.extract(oracle, learner, snapshots=False)


def off(stolen: Any, true: mex.FittedTarget) -> float:
    X = true.domain.sample(2000, np.random.default_rng(1))
    return float(np.abs(stolen.hypothesis.predict_proba(X) - true.answer(X, "proba")).max())


@pytest.mark.parametrize("load", [load_iris, load_wine])
@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_little_more_rows_than_unknowns_are_enough(model: Any, load: Any) -> None:
    true, X = target(model, load)
    stolen = steal(true, X)
    k, d = 3, X.shape[1]
    assert stolen.stopped == "done"
    assert stolen.queries <= 2 * k * (d + 1) / (k - 1) + 14
    assert off(stolen, true) < ALIKE[True]
    assert not stolen.note


def test_categories_whole_numbers_and_no_pool() -> None:
    rng = np.random.default_rng(0)
    columns = [(2, 3, 4), (5, 6)]
    whole = np.array([False, True, *[False] * 5])
    domain = mex.Domain(np.zeros(7), np.array([1.0, 9, 1, 1, 1, 1, 1]), integer=whole, groups=columns)
    X = domain.sample(300, rng)
    y = np.array(["a", "b", "c", "d"])[np.argmax(X @ rng.normal(size=(7, 4)) - 3 * X[:, 1:2] * [0, 1, 0, 1], axis=1)]
    model = OneVsRestClassifier(LogisticRegression()).fit(X, y)
    true = mex.FittedTarget.wrap(model, domain=domain)
    stolen = steal(true, None)
    assert stolen.queries <= 40, "of 24 weights, as five are the directions"
    assert off(stolen, true) < ALIKE[True]


def test_a_scaler_of_some_columns_is_found_out_of_float32_answers_as_well() -> None:
    X, y = load_wine(return_X_y=True)
    scaled = make_column_transformer((StandardScaler(), slice(0, 13)))
    model = make_pipeline(scaled, OneVsRestClassifier(LogisticRegression())).fit(X, y)
    true = mex.FittedTarget.wrap(model, domain=mex.Domain.of(X))
    stolen = steal(Altered(true, lambda P: P.astype(np.float32).astype(float)), X)
    assert stolen.stopped == "done"
    assert not stolen.note
    assert off(stolen, true) < ALIKE[False]


@pytest.mark.parametrize("change", ["rounded", "noisy", "softmax"])
def test_answers_of_no_such_model_are_not_called_exact_and_fitted_well(change: str) -> None:
    true, X = target(load=load_wine)
    rng = np.random.default_rng(2)

    def softmax(P: FloatArray) -> FloatArray:
        return P**1.3 / (P**1.3).sum(axis=1, keepdims=True)

    def noisy(P: FloatArray) -> FloatArray:
        shaken = np.clip(P + rng.normal(0, 0.01, P.shape), 0, 1)
        return np.asarray(shaken / shaken.sum(axis=1, keepdims=True))

    changes = {"rounded": lambda P: np.round(P, 3) / np.round(P, 3).sum(axis=1, keepdims=True), "noisy": noisy}
    stolen = steal(Altered(true, changes.get(change, softmax)), X)
    assert "the answers are" in stolen.note
    Z = X[rng.permutation(len(X))[:100]]
    assert np.mean(stolen.hypothesis.predict(Z) == true.answer(Z, "label")) >= 0.97


def test_saturated_answers_are_labels() -> None:
    X, y = load_wine(return_X_y=True)
    true = mex.FittedTarget.wrap(SGDClassifier(loss="log_loss", random_state=0).fit(X, y), domain=mex.Domain.of(X))
    assert np.isin(true.answer(X, "proba"), [0.0, 0.5, 1.0]).mean() > 0.99
    stolen = steal(true, X)
    assert "the answers are saturated" in stolen.note
    found, labels = stolen.hypothesis.predict(X), np.argmax(true.answer(X, "proba"), axis=1)
    assert np.mean(found == labels) >= np.bincount(labels).max() / len(labels)


@pytest.mark.parametrize("budget", [1, 2, 5, 12])
def test_a_budget_for_less_is_worth_a_fit_to_it(budget: int) -> None:
    true, X = target()
    stolen = steal(true, X, budget)
    assert stolen.queries == budget
    assert set(np.unique(stolen.hypothesis.predict(X))) <= {0, 1, 2}
    if budget >= 5:
        assert np.mean(stolen.hypothesis.predict(X) == true.answer(X, "label")) > 0.7


def test_it_is_a_well_behaved_attack() -> None:
    true, _ = target()
    proba_alone = mex.FittedTarget.wrap(true.estimator, domain=true.domain, answers=("proba",))
    stolen = check_attack(EquationSolving(), proba_alone, least_agreement=1.0)
    assert stolen.queries <= 30


def test_a_defense_before_it_is_not_inverted() -> None:
    true, X = target()
    rounding = mex.load_registry().build("defense", "rounding:decimals=2")
    with pytest.raises(mex.Incompatible, match="one-vs-rest answers are not inverted"):
        steal(true, X, defense=rounding)


def test_too_many_weights_are_a_sentence() -> None:
    wide = mex.Domain(np.zeros(700), np.ones(700))
    known = mex.Knowledge(
        domain=wide, classes=np.arange(3), answers="proba", family=mex.Family("linear", {"link": "one-vs-rest"})
    )
    with pytest.raises(mex.Incompatible, match="a one-vs-rest model of 2103 weights is too large"):
        EquationSolving().learner(known, np.random.default_rng(0))
