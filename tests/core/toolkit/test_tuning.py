"""The regularisation of a learner over the class of f* is chosen by the answers, and by nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Lasso, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

import mex
from mex.toolkit.left_out import folds
from mex.toolkit.penalties import adapted
from mex.toolkit.tabular.adapters import RowModel
from mex.toolkit.tuning import FEWEST, Tuned
from mex.types import Array, Estimator, FloatArray

D = 20


def answers(n: int, wrong: float, seed: int = 0) -> tuple[FloatArray, Array]:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, D))
    return X, (X @ np.arange(D) > 0) ^ (rng.random(n) < wrong)


def chosen(estimator: Estimator, wrong: float, n: int = 300) -> Estimator:
    return Tuned(estimator, wrong, np.random.default_rng(0)).estimator(*answers(n, wrong))


def agreement(fitted: Estimator) -> float:
    X, y = answers(5000, 0.0, seed=1)
    return float(np.mean(fitted.predict(X) == y))


@pytest.mark.parametrize("estimator", [LogisticRegression(C=0.01), make_pipeline(StandardScaler(), SVC(C=0.01))])
def test_right_labels_are_fitted_harder_than_the_victim_was(estimator: Estimator) -> None:
    tuned = Tuned(estimator, 0.0, np.random.default_rng(0))
    X, y = answers(300, 0.0)
    assert agreement(tuned.fit(X, y)) > agreement(estimator.fit(X, y)) + 0.01


@pytest.mark.parametrize("estimator", [LogisticRegression(C=100, max_iter=2000), LinearSVC(C=10, dual=False)])
def test_wrong_labels_are_fitted_less_hard_than_the_victim_was(
    estimator: Estimator, breast_cancer: mex.Dataset
) -> None:
    rng = np.random.default_rng(0)
    X = StandardScaler().fit_transform(breast_cancer.X)
    truth = LogisticRegression().fit(X, breast_cancer.y).predict(X)
    rows, told = rng.permutation(len(X)), truth ^ (rng.random(len(X)) < 0.2)
    asked, held = rows[:256], rows[256:]
    stolen = Tuned(estimator, 0.2, np.random.default_rng(0)).fit(X[asked], told[asked])
    victim = estimator.fit(X[asked], told[asked])
    assert np.mean(stolen.predict(X[held]) == truth[held]) > np.mean(victim.predict(X[held]) == truth[held]) + 0.02


def test_a_tree_is_grown_to_the_end_on_right_labels_and_pruned_where_some_are_wrong() -> None:
    rng = np.random.default_rng(0)
    X = rng.random((1024, 2))
    y, flipped = X[:, 0] > 0.5, rng.random(1024) < 0.3
    tree = DecisionTreeClassifier(min_samples_leaf=200, random_state=0)
    fine = (X * 8).astype(int).sum(axis=1) % 2 == 0
    assert Tuned(tree, 0.0, rng).estimator(X, fine).min_samples_leaf == 1
    pruned = Tuned(DecisionTreeClassifier(random_state=0), 0.3, rng).estimator(X, y ^ flipped)
    assert pruned.ccp_alpha > 0.004


def test_the_choice_depends_on_the_answers_alone_not_on_how_often_it_was_asked_for() -> None:
    X, y = answers(300, 0.2)
    one, other = (Tuned(LogisticRegression(), 0.2, np.random.default_rng(5)) for _ in range(2))
    for n in range(20, 300, 17):
        one.estimator(X[:n], y[:n])
    assert one.estimator(X, y).C == other.estimator(X, y).C


@pytest.mark.parametrize(
    "y", [np.arange(FEWEST) == 3, np.arange(FEWEST) % 5, np.zeros(64, dtype=bool) | (np.arange(64) < 2)]
)
def test_few_answers_of_a_class_are_no_obstacle(y: Array) -> None:
    X = np.random.default_rng(0).standard_normal((len(y), 3))
    fitted = Tuned(LogisticRegression(), None, np.random.default_rng(0), binary=len(np.unique(y)) == 2).fit(X, y)
    assert set(fitted.predict(X)) <= set(y)


def test_every_part_has_its_share_of_each_class() -> None:
    y = np.repeat([0, 1], [50, 5])
    part = folds(y, np.random.default_rng(0))
    assert [np.sum((part == i) & (y == 1)) for i in range(3)] == [2, 2, 1]


def test_what_has_no_such_parameter_stays_as_it_is() -> None:
    forest = RandomForestClassifier(7, min_samples_leaf=4)
    assert chosen(forest, 0.1).get_params() == forest.get_params()


@pytest.mark.parametrize("attack", ["passive", "margin", "query-by-committee"])
def test_an_attack_may_be_held_to_the_public_regularisation_and_a_given_model_is_left(
    attack: str, registry: mex.Registry
) -> None:
    X, y = answers(300, 0.0)
    target = LogisticRegression(C=0.01).fit(X, y)

    def penalty(spec: str) -> float:
        stolen = mex.attack(spec, target, pool=X, budget=80, registry=registry)
        last = stolen.hypothesis[-1] if hasattr(stolen.hypothesis, "steps") else stolen.hypothesis
        return float(last.C)

    rest = "sampler=pool" if attack == "passive" else "sampler=pool,batch=20"
    assert penalty(f"{attack}:{rest},regularisation=public") == 0.01
    assert penalty(f"{attack}:{rest},model={{use='logistic', C=3.0}}") == 3
    assert penalty(f"{attack}:{rest}") > 0.01


def stolen_by(estimator: Estimator, wrong: float, n: int, rho: float | None, data: mex.Dataset) -> tuple[float, float]:
    """Mean agreements over four draws with what f* is and with what is adapted, fitted to n random rows of ``data``."""
    X = StandardScaler().fit_transform(data.X)
    truth = LogisticRegression().fit(X, data.y).predict(X)
    found = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        rows, told = rng.permutation(len(X)), truth ^ (rng.random(len(X)) < wrong)
        asked, held = rows[:n], rows[n:]
        for fitted in (clone(estimator), Tuned(estimator, rho, rng).estimator(X[asked], told[asked])):
            found.append(np.mean(fitted.fit(X[asked], told[asked]).predict(X[held]) == truth[held]))
    return float(np.mean(found[::2])), float(np.mean(found[1::2]))


@pytest.mark.parametrize("n", [24, 128])
@pytest.mark.parametrize("C", [1.0, 1000.0])
def test_no_penalty_is_better_at_any_budget(C: float, n: int, breast_cancer: mex.Dataset) -> None:
    model = LogisticRegression(C=C, solver="newton-cholesky")
    for wrong in (0.0, 0.1, 0.2):
        fixed, adapted_to = stolen_by(model, wrong, n, wrong, breast_cancer)
        assert adapted_to > fixed - 0.01, (wrong, fixed, adapted_to)
        if wrong and C == 1000 and n < 256:
            assert adapted_to > fixed + 0.05


@pytest.mark.parametrize("rho", [None, 0.5])
def test_a_rate_that_is_not_declared_is_found(rho: float | None, breast_cancer: mex.Dataset) -> None:
    hard = LogisticRegression(C=100, solver="newton-cholesky")
    fixed, adapted_to = stolen_by(hard, 0.2, 128, rho, breast_cancer)
    assert adapted_to > fixed + 0.05
    fixed, adapted_to = stolen_by(hard, 0.0, 128, rho, breast_cancer)
    assert adapted_to > fixed - 0.01


def test_the_scale_of_the_features_does_not_matter() -> None:
    X, y = answers(100, 0.0)
    one, other = (adapted(LogisticRegression(), scaled, y, 0.1).C for scaled in (X, 100 * X))
    assert one == pytest.approx(1e4 * other)
    scale = 10.0 ** np.arange(-3, 3)
    assert adapted(LogisticRegression(), X[:, :6] * scale, y, 0.1).C < 10, "no feature outweighs the others"


def test_a_model_of_tables_is_adapted_by_the_features_that_it_makes() -> None:
    people = [{"age": float(i % 70), "sex": "mf"[i % 2]} for i in range(200)]
    encode = make_column_transformer((StandardScaler(), ["age"]), (OneHotEncoder(), ["sex"]))
    model = make_pipeline(encode, LogisticRegression()).fit(pd.DataFrame(people), [p["age"] > 30 for p in people])
    stolen = mex.attack("passive", model, pool=pd.DataFrame(people), budget=100)
    assert stolen.hypothesis.estimator.estimator_[-1].C > 100


@pytest.mark.parametrize(
    "model",
    [
        Ridge(),
        Lasso(),
        TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1),
        KernelRidge(alpha=0.1),
    ],
)
def test_right_values_are_fitted_with_less_of_a_penalty_than_the_model_was(model: Any, diabetes: mex.Dataset) -> None:
    X = (diabetes.X - diabetes.X.mean(axis=0)) / diabetes.X.std(axis=0) / 20
    model.fit(X, diabetes.y)
    found = {
        how: mex.attack(
            f"passive:regularisation={how}", model, pool=X[:200], held_out=X[200:], domain=mex.Domain.of(X), budget=200
        ).agreement
        for how in ("public", "adapted")
    }
    assert found["adapted"] is not None
    assert found["adapted"] > 0.999
    assert found["public"] is not None
    assert found["public"] < 0.995


def test_what_goes_before_the_last_step_is_fitted_once_and_the_model_is_the_same() -> None:
    rng, fits = np.random.default_rng(0), []
    rows = pd.DataFrame({"size": rng.normal(size=60), "kind": rng.choice(["a", "b", "c"], 60)})
    y = np.asarray((rows["size"] > 0) | (rows["kind"] == "a"))

    class Counting(StandardScaler):  # type: ignore[misc]
        def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:
            fits.append(len(X))
            return super().fit(X, y, sample_weight)

    coded = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["kind"]), (Counting(), ["size"]))
    schema = mex.Schema.of(rows)
    tuned = Tuned(RowModel(make_pipeline(coded, LogisticRegression()), schema), 0.0, rng)
    X = schema.encode(rows)
    stolen = tuned.fit(X, y)
    assert fits == [60]
    assert np.array_equal(stolen.decision_function(X), tuned.estimator(X, y).fit(X, y).decision_function(X))
