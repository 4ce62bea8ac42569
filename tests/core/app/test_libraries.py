"""Models that people really have, each in one line: a right number, or one sentence that names the cure."""

from __future__ import annotations

import functools
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import TunedThresholdClassifierCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

import mex
from mex.registry.loader import installed
from mex.types import Array

FRAME, SPECIES = load_iris(return_X_y=True, as_frame=True)
FRAME.columns = list("abcd")
TREE = "passive:model=decision-tree"


@functools.cache
def mixed() -> pd.DataFrame:
    """A category and gaps beside the numbers."""
    rng = np.random.default_rng(0)
    table = FRAME.assign(colour=pd.Categorical(rng.choice(["red", "green", "blue"], len(FRAME))))
    return table.assign(a=table["a"].where(rng.random(len(FRAME)) > 0.1))


def booster(library: str, **options: Any) -> Any:
    module = pytest.importorskip(library)
    name = {"xgboost": "XGBClassifier", "lightgbm": "LGBMClassifier", "catboost": "CatBoostClassifier"}[library]
    quiet = {
        "xgboost": {"n_jobs": 1},
        "lightgbm": {"verbose": -1, "min_child_samples": 5, "n_jobs": 1},
        "catboost": {"verbose": False, "allow_writing_files": False, "thread_count": 1},
    }[library]
    return getattr(module, name)(n_estimators=5, **quiet, **options)


def truth(model: Any, table: Any) -> Array:
    return np.asarray(model.predict(table)).reshape(len(table))


def agrees(stolen: Any, model: Any, table: Any) -> float:
    """The agreement on a table, as anybody would compute it, which is what the result says."""
    answers = np.asarray(stolen.hypothesis.predict(table))
    assert stolen.agreement == np.mean(answers == truth(model, table))
    return float(stolen.agreement)


def check(model: Any, table: Any, least: float = 0.9, **options: Any) -> None:
    """The model is attacked, measured in a matrix and served, and each tells the model's own answers."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning)
        stolen = mex.attack(
            TREE, model, like=table, pool=table, held_out=table, budget=200, registry=installed(), **options
        )
        assert agrees(stolen, model, table) >= least
        served = mex.DefendedClassifier.wrap(model, "none", table, **options)
        assert np.array_equal(np.asarray(served.predict(table)).reshape(-1), truth(model, table))
        one = {"object": model, **options}
        plan = {"attacks": [TREE], "defenses": ["none"], "seeds": 1, "budget": 50, "counters": False}
        (record,) = mex.matrix(plan, models={"mine": one}, data=(table, truth(model, table)), registry=installed())
        assert (record["status"], record["target_accuracy"]) == ("ok", 1.0), record["reason"]


@pytest.mark.parametrize("frames", [True, False])
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("library", ["xgboost", "lightgbm", "catboost"])
def test_boosters_of_other_libraries(library: str, classes: int, frames: bool) -> None:
    table = FRAME if frames else FRAME.to_numpy()
    check(booster(library).fit(table, np.minimum(SPECIES, classes - 1)), table)


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_boosters_with_categories(library: str) -> None:
    options = {"enable_categorical": True} if library == "xgboost" else {}
    table = mixed().dropna()
    check(booster(library, **options).fit(table, SPECIES[table.index]), table, least=0.85)


@pytest.mark.parametrize("gaps", [True, False])
def test_hist_gradient_boosting_with_categories_and_missing_values(gaps: bool) -> None:
    table = mixed()
    model = HistGradientBoostingClassifier(max_iter=5, categorical_features="from_dtype").fit(table, SPECIES)
    whole = table.dropna()
    stolen = mex.attack(
        TREE, model, like=table if gaps else whole, pool=table if gaps else whole, budget=400, registry=installed()
    )
    assert ("rows with a missing value were left out" in str(stolen)) == gaps
    assert np.mean(stolen.hypothesis.predict(whole) == model.predict(whole)) > 0.85
    served = mex.DefendedClassifier.wrap(model, "none", table)
    assert np.array_equal(served.predict(table), model.predict(table))


LOGISTIC = LogisticRegression(max_iter=1000)
AROUND = {
    "calibrated": CalibratedClassifierCV(LOGISTIC, ensemble=False),
    "calibrated, five models": CalibratedClassifierCV(GaussianNB()),
    "threshold": TunedThresholdClassifierCV(LOGISTIC, scoring="f1", thresholds=10, cv=2),
    "voting": VotingClassifier([("l", LOGISTIC), ("t", DecisionTreeClassifier(max_depth=2))], voting="soft"),
    "stacking": StackingClassifier([("l", LOGISTIC), ("n", GaussianNB())]),
    "neighbours": KNeighborsClassifier(),
    "naive": GaussianNB(),
    "forest": RandomForestClassifier(5, random_state=0),
}


@pytest.mark.parametrize("name", AROUND)
def test_models_around_models_and_models_without_a_formula(name: str) -> None:
    check(AROUND[name].fit(FRAME, SPECIES == 2), FRAME)


@pytest.mark.parametrize("name", ["calibrated", "threshold"])
def test_what_is_around_a_linear_model_leaves_it_linear(name: str) -> None:
    model = AROUND[name].fit(FRAME, SPECIES == 2)
    stolen = mex.attack("pivot", model, pool=FRAME, held_out=FRAME, budget=2000, registry=installed())
    assert agrees(stolen, model, FRAME) == 1.0


def test_a_transformed_target() -> None:
    A, b = load_diabetes(return_X_y=True, as_frame=True)
    scaled = TransformedTargetRegressor(LinearRegression(), func=lambda v: v / 3, inverse_func=lambda v: v * 3)
    model = scaled.fit(A, b)
    stolen = mex.attack("passive:model=linear-regression", model, pool=A, held_out=A, budget=200)
    assert stolen.agreement == pytest.approx(1.0, abs=1e-6)
    with pytest.raises(mex.Incompatible, match="its values are transformed, and not by an affine function"):
        mex.attack("equation-solving", model, pool=A, budget=200)


def test_an_outlier_detector() -> None:
    model = IsolationForest(n_estimators=20, random_state=0).fit(FRAME)
    check(model, FRAME, least=0.85)


def test_ngboost_which_tells_its_classes_since_its_sixth_version() -> None:
    ngboost = pytest.importorskip("ngboost")
    model = ngboost.NGBClassifier(n_estimators=5, verbose=False).fit(FRAME.to_numpy(), (SPECIES == 2).astype(int))
    if hasattr(model, "classes_"):
        check(model, FRAME.to_numpy())
        return
    with pytest.raises(mex.UsageError, match=r"NGBClassifier answers with labels and does not say .* give classes="):
        mex.attack(TREE, model, pool=FRAME.to_numpy())
    check(model, FRAME.to_numpy(), classes=[0, 1])


@pytest.mark.parametrize("frames", [True, False])
def test_perpetual(frames: bool) -> None:
    perpetual = pytest.importorskip("perpetual")
    table = FRAME if frames else FRAME.to_numpy()
    model = perpetual.PerpetualBooster(objective="LogLoss", budget=0.1).fit(table, (SPECIES == 2).astype(int))
    check(model, table)


def test_explainable_boosting() -> None:
    interpret = pytest.importorskip("interpret.glassbox")
    model = interpret.ExplainableBoostingClassifier(interactions=0, outer_bags=1, max_rounds=20, n_jobs=1)
    check(model.fit(FRAME, SPECIES == 2), FRAME)
