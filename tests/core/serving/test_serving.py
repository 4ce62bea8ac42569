"""The served estimators: scikit-learn's own checks, files, threads, and the same answers as in the matrix."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import attrs
import joblib
import numpy as np
import pytest
import skops.io
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

import mex
from mex import DefendedClassifier, DefendedRegressor, FittedTarget
from mex.dataset import Rows
from mex.target import Target
from mex.types import Answer, Array, BoolArray, FloatArray, stream

X, y = load_iris(return_X_y=True)
STICKY = "gaussian-output:scale=0.2,sticky=true"
LOGISTIC = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
FOREST = RandomForestClassifier(5, random_state=0).fit(X, y)


@parametrize_with_checks(
    [
        DefendedClassifier(LogisticRegression(), f"{STICKY} + rounding:decimals=2", random_state=0),
        DefendedClassifier(DecisionTreeClassifier(random_state=0), "label-only", random_state=0),
        DefendedRegressor(LinearRegression(), "value-noise:scale=0.05,sticky=true", random_state=0),
    ]
)
@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_finds_nothing_wrong(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


@pytest.mark.parametrize("spec", ["none", "label-only", STICKY, "gaussian-output", "bounded-noise:rho=0.3 + rounding"])
@pytest.mark.parametrize("model", [LOGISTIC, FOREST], ids=["logistic", "forest"])
def test_the_answers_are_those_of_the_matrix(registry: mex.Registry, spec: str, model: Any) -> None:
    defense = registry.build("defense", spec)
    target: Target = defense.protect(FittedTarget.wrap(model), Rows(X, y), stream("key", "defense"))
    served = DefendedClassifier.wrap(model, spec, X, y, secret="key")
    assert np.array_equal(served.predict(X), target.answer(X, "label"))
    assert hasattr(served, "predict_proba") == ("proba" in target.answers)
    if "proba" in target.answers:
        assert np.array_equal(served.predict_proba(X), target.answer(X, "proba"))
    assert served.n_features_in_ == 4
    assert served.classes_.tolist() == [0, 1, 2]


def test_fitting_and_wrapping_serve_the_same() -> None:
    fitted = DefendedClassifier(DecisionTreeClassifier(random_state=0), "rounding + top-k").fit(X, y)
    wrapped = DefendedClassifier.wrap(DecisionTreeClassifier(random_state=0).fit(X, y), "rounding + top-k")
    assert np.array_equal(fitted.predict_proba(X), wrapped.predict_proba(X))
    assert not hasattr(fitted.estimator, "tree_"), "the estimator given stays unfitted"


def saved_by_skops(served: Any) -> Any:
    saved = skops.io.dumps(served)
    trusted = skops.io.get_untrusted_types(data=saved)
    assert {"mex.serving.DefendedClassifier", "mex.serving.endpoint.Server"} <= set(trusted)
    return skops.io.loads(saved, trusted=trusted)


def saved_by_joblib(served: Any) -> Any:
    file = io.BytesIO()
    joblib.dump(served, file)
    return joblib.load(file)


@pytest.mark.parametrize("saved", [lambda s: pickle.loads(pickle.dumps(s)), saved_by_joblib, saved_by_skops])
@pytest.mark.parametrize("spec", [f"{STICKY} + rounding", "gaussian-output", "label-only + bounded-noise", "top-k"])
@pytest.mark.parametrize("model", [LOGISTIC, FOREST], ids=["logistic", "forest"])
def test_a_saved_server_answers_as_before(saved: Callable[[Any], Any], spec: str, model: Any) -> None:
    served = DefendedClassifier.wrap(model, spec)
    again = saved(served)
    assert np.array_equal(again.predict(X), served.predict(X))
    if hasattr(served, "predict_proba"):
        assert np.array_equal(again.predict_proba(X), served.predict_proba(X))


def test_the_secret_decides_and_without_one_nobody_knows_it() -> None:
    def labels(secret: str | None) -> Array:
        return DefendedClassifier.wrap(FOREST, "bounded-noise:rho=0.5,sticky=true", secret=secret).predict(X)

    assert np.array_equal(labels("a"), labels("a"))
    assert not np.array_equal(labels("a"), labels("b"))
    assert not np.array_equal(labels(None), labels(None))


def test_a_random_state_repeats_a_fit() -> None:
    def labels(random_state: int | None) -> Array:
        defended = DefendedClassifier(FOREST, "bounded-noise:rho=0.5,sticky=true", random_state=random_state)
        return defended.fit(X, y).predict(X)

    assert np.array_equal(labels(1), labels(1))
    assert not np.array_equal(labels(1), labels(2))
    assert not np.array_equal(labels(None), labels(None))


def test_a_secret_is_shown_nowhere() -> None:
    served = DefendedClassifier.wrap(FOREST, STICKY, secret="hunter2")
    assert "hunter2" not in f"{served.get_params()}{vars(served)}{served._repr_html_()}"
    assert b"hunter2" not in pickle.dumps(served)


def test_what_reaches_round_a_defense_is_not_forwarded() -> None:
    for model in (FOREST, LOGISTIC, SVC().fit(X, y)):
        served = DefendedClassifier.wrap(model, "label-only")
        for method in ("predict_proba", "predict_log_proba", "decision_function", "apply", "transform"):
            assert not hasattr(served, method)


def test_strings_are_labels_and_names_of_columns_are_compared() -> None:
    names = np.array(["ham", "eggs", "spam"])[y]
    model = LogisticRegression(max_iter=1000).fit(X, names)
    model.feature_names_in_ = np.array(list("abcd"), dtype=object)  # as if it had been fitted on a data frame
    served = DefendedClassifier.wrap(model, STICKY)
    with pytest.warns(UserWarning, match="X does not have valid feature names, but DefendedClassifier"):
        assert set(served.predict(X)) == {"ham", "eggs", "spam"}


def test_a_defense_that_cannot_protect_says_so_before_anything_is_served() -> None:
    with pytest.raises(mex.Incompatible, match="rounding changes probabilities, and this interface gives label"):
        DefendedClassifier(SVC(), "rounding").fit(X, y)
    with pytest.raises(mex.UsageError, match="did you mean 'rounding'"):
        DefendedClassifier(SVC(), "roundin").fit(X, y)


class Foreign:
    """A fitted classifier of a library with conventions of its own: no classes, no width, no tags."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def predict(self, X: FloatArray) -> Array:
        return np.array([["yes", "no"][label] for label in self.model.predict(X)])[:, None]

    def predict_proba(self, X: FloatArray) -> FloatArray:
        return np.asarray(self.model.predict_proba(X))


@pytest.mark.parametrize("spec", ["none", "rounding", "gaussian-output:scale=1e-9", "bounded-noise:rho=0"])
def test_a_model_of_another_library_is_served_as_it_is(spec: str) -> None:
    A, b = load_breast_cancer(return_X_y=True)
    model = Foreign(make_pipeline(StandardScaler(), LogisticRegression()).fit(A, b))
    served = DefendedClassifier.wrap(model, spec, A, classes=["yes", "no"])
    assert served.classes_.tolist() == ["yes", "no"]
    assert np.array_equal(served.predict(A), model.predict(A)[:, 0])
    if hasattr(served, "predict_proba"):
        assert served.predict_proba(A) == pytest.approx(model.predict_proba(A), abs=0.006)


def test_noise_on_labels_in_any_order_and_of_any_length_is_noise_on_as_many() -> None:
    A, b = load_breast_cancer(return_X_y=True)
    model = Foreign(make_pipeline(StandardScaler(), LogisticRegression()).fit(A, b))
    wrong = DefendedClassifier.wrap(model, "bounded-noise:rho=1", A, classes=["yes", "no"])
    assert np.array_equal(wrong.predict(A) == "yes", model.predict(A)[:, 0] == "no")
    narrow = Foreign(DecisionTreeClassifier().fit(np.eye(2), [1, 1]))  # answers "no" alone, in arrays of two letters
    turned = DefendedClassifier.wrap(narrow, "bounded-noise:rho=1", np.eye(2), classes=["yes", "no"])
    assert turned.predict(np.eye(2)).tolist() == ["yes", "yes"]


def test_what_a_model_does_not_tell_is_asked_for() -> None:
    A, b = load_breast_cancer(return_X_y=True)
    model = Foreign(LogisticRegression(max_iter=10000).fit(A, b))
    with pytest.raises(
        mex.UsageError, match="Foreign answers with labels and does not say which there are; give classes"
    ):
        DefendedClassifier.wrap(model, "rounding", A)
    with pytest.raises(mex.UsageError, match="Foreign does not tell its number of features: fit it, or give X_train"):
        DefendedClassifier.wrap(model, "rounding", classes=["yes", "no"])
    for unfitted in (LogisticRegression(), Foreign(LogisticRegression())):
        with pytest.raises(NotFittedError):
            DefendedClassifier.wrap(unfitted, "rounding", A, classes=["yes", "no"])


def test_a_classifier_is_not_served_as_a_regressor_nor_the_other_way() -> None:
    with pytest.raises(
        mex.UsageError, match="DefendedRegressor cannot serve a RandomForestClassifier, which answers lab"
    ):
        DefendedRegressor.wrap(FOREST, "none")
    A, b = load_diabetes(return_X_y=True)
    with pytest.raises(
        mex.UsageError, match="DefendedClassifier cannot serve a LinearRegression, which answers values"
    ):
        DefendedClassifier.wrap(LinearRegression().fit(A, b), "none")


@attrs.frozen(kw_only=True)
class Quota:
    """Answers so many rows of a client."""

    scope: ClassVar[mex.Scope] = mex.Scope()
    paper: ClassVar[str] = "none"

    def protect(self, target: Target, train: Rows, rng: np.random.Generator) -> Target:
        return _Quota(target)


class _Quota(mex.Defended):
    left = 1000

    def admit(self, X: FloatArray) -> BoolArray:
        self.left -= len(X)
        return np.arange(len(X)) < len(X) + self.left

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        return self._target.answer(X, kind)


def test_a_refused_request_is_an_error_of_its_own() -> None:
    served = DefendedClassifier.wrap(FOREST, Quota())
    for _ in range(6):
        served.predict(X)
    with pytest.raises(mex.Refused, match="refuses 50 of the 150 rows"):
        served.predict_proba(X)
    with pytest.raises(mex.Refused, match="refuses 1 of the 1 rows"):
        served.predict(X[:1])


def test_threads_are_counted_one_by_one() -> None:
    served = DefendedClassifier.wrap(FOREST, Quota())

    def answered(_: int) -> bool:
        try:
            served.predict(X[:10])
        except mex.Refused:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(answered, range(200))) == 100


def test_it_is_a_scikit_learn_estimator_in_every_tool() -> None:
    search = GridSearchCV(
        DefendedClassifier(DecisionTreeClassifier(random_state=0), random_state=0),
        {"defense": ["none", "bounded-noise:rho=0.5,sticky=true"], "estimator__max_depth": [1, 3]},
    ).fit(X, y)
    assert search.best_params_ == {"defense": "none", "estimator__max_depth": 3}
    honest = cross_val_score(
        DefendedClassifier(LogisticRegression(max_iter=1000), "rounding"), X, y, scoring="accuracy"
    )
    assert honest.mean() > 0.95


def test_a_served_estimator_is_a_target_as_any_fitted_model_is() -> None:
    A, b = load_breast_cancer(return_X_y=True)
    A = StandardScaler().fit_transform(A)
    served = DefendedClassifier(LogisticRegression(), "rounding:decimals=1").fit(A, b)
    stolen = mex.attack("pivot:eps=1e-2", served, family="linear", domain=mex.Domain.of(A), budget=2000)
    assert np.mean(stolen.hypothesis.predict(A) == served.predict(A)) > 0.99


def test_regressors_are_defended_by_their_values() -> None:
    A, b = load_diabetes(return_X_y=True)
    model = DecisionTreeRegressor(max_depth=4, random_state=0).fit(A, b)
    served = DefendedRegressor.wrap(model, "value-noise:scale=0.1,sticky=true", A, b)
    noise = served.predict(A) - model.predict(A)
    assert noise.std() == pytest.approx(0.1 * model.predict(A).std(), rel=0.15)
    assert not hasattr(served, "classes_")
    assert pickle.loads(pickle.dumps(served)).score(A, b) == served.score(A, b)
    with pytest.raises(mex.Incompatible, match="training rows, and none are given"):
        DefendedRegressor.wrap(model, "value-noise")
