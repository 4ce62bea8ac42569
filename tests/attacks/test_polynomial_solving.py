"""polynomial-solving: models of squares and products, from their probabilities and values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.linear_model import Lasso, LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from toys import built

import mex
from mex.types import Array, Estimator, FloatArray

TUMOURS, IRIS, WINE = (load(return_X_y=True) for load in (load_breast_cancer, load_iris, load_wine))
DIABETES = load_diabetes(return_X_y=True)
SEVEN = TUMOURS[0][:, :7], TUMOURS[1]
LR = LogisticRegression(max_iter=5000)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def steal(
    model: Estimator,
    X: FloatArray,
    answers: str,
    *,
    domain: mex.Domain | None = None,
    family: mex.Family | None = None,
    budget: int = 1000,
    seed: int = 0,
) -> mex.Extraction:
    target = mex.FittedTarget.wrap(model, domain=domain or mex.Domain.of(X), **({"family": family} if family else {}))
    oracle = mex.Oracle(target, answers=answers, budget=budget)  # type: ignore[arg-type]
    attack, known = built("attack", "polynomial-solving"), oracle.knowledge(pool=X[::2])
    attack.scope.check("polynomial-solving", known)
    return mex.extract(oracle, attack.learner(known, np.random.default_rng(seed)), snapshots=False)


def agreement(stolen: mex.Extraction, model: Estimator, X: FloatArray) -> float:
    """On the rows that the attacker was not given."""
    return float(np.mean(stolen.hypothesis.predict(X[1::2]) == model.predict(X[1::2])))


@pytest.mark.parametrize(
    ("model", "data", "unknowns", "most"),
    [
        (GaussianNB(), TUMOURS, 61, 160),
        (make_pipeline(StandardScaler(), GaussianNB()), TUMOURS, 61, 160),
        (GaussianNB(), WINE, 27, 70),
        (QuadraticDiscriminantAnalysis(), IRIS, 15, 60),
        (QuadraticDiscriminantAnalysis(reg_param=0.1), WINE, 105, 160),
        (make_pipeline(StandardScaler(), PCA(3), GaussianNB()), SEVEN, 36, 90),
        (make_pipeline(StandardScaler(), PolynomialFeatures(2), LR), SEVEN, 36, 90),
        (make_pipeline(StandardScaler(), PolynomialFeatures(3), LR), IRIS, 35, 90),
        (make_pipeline(StandardScaler(), PolynomialFeatures(2), Ridge()), DIABETES, 66, 110),
        (make_pipeline(PolynomialFeatures(2, interaction_only=True), StandardScaler(), Lasso()), DIABETES, 66, 110),
    ],
)
def test_it_has_the_model_exactly(model: Estimator, data: tuple[Any, Any], unknowns: int, most: int) -> None:
    X, y = data
    values = y is DIABETES[1]
    model.fit(X, y)
    stolen = steal(model, X, "value" if values else "proba")
    copy, rows = stolen.hypothesis, np.concatenate([X, mex.Domain.of(X).sample(1000, np.random.default_rng(1))])
    assert (stolen.stopped, stolen.note) == ("done", "")
    assert unknowns < stolen.queries <= most
    if values:
        np.testing.assert_allclose(copy.predict(rows), model.predict(rows), rtol=1e-8)
    else:
        np.testing.assert_allclose(copy.predict_proba(rows), model.predict_proba(rows), atol=1e-7)


def test_categories_and_whole_numbers_have_squares_that_tell_nothing_more() -> None:
    rng = np.random.default_rng(0)
    group = np.eye(3)[rng.integers(3, size=300)]
    X = np.column_stack([group, rng.integers(0, 4, 300), rng.standard_normal((300, 2))])
    y = (X @ [1, -1, 0, 0.5, 1, -1] + X[:, 4] ** 2 + rng.standard_normal(300) > 1).astype(int)
    domain = mex.Domain(X.min(axis=0), X.max(axis=0), integer=np.arange(6) < 4, groups=[(0, 1, 2)])
    model = make_pipeline(PolynomialFeatures(2), StandardScaler(), LR).fit(X, y)
    stolen = steal(model, X, "proba", domain=domain)
    assert stolen.note == ""
    rows = domain.sample(1000, rng)
    np.testing.assert_allclose(stolen.hypothesis.predict_proba(rows), model.predict_proba(rows), atol=1e-7)


class Changed:
    """Gaussian naive Bayes whose probabilities are changed."""

    n_features_in_ = 30
    classes_ = np.array([0, 1])

    def __init__(self, change: Callable[[FloatArray, FloatArray], FloatArray]) -> None:
        self.model = GaussianNB().fit(*TUMOURS)
        self.change = change

    def predict_proba(self, X: FloatArray) -> FloatArray:
        p = self.change(self.model.predict_proba(X)[:, 1], X)
        return np.column_stack([1 - p, p])

    def predict(self, X: FloatArray) -> Array:
        return self.predict_proba(X).argmax(axis=1)


NOISE = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda p, X: p.round(2), "the answers are rounded"),
        (lambda p, X: np.clip(p + NOISE.normal(0, 1e-3, len(p)), 0, 1), "not those of such a polynomial"),
        (lambda p, X: 1 / (1 + np.exp(3 - 6 * p)), "not those of such a polynomial"),
    ],
)
def test_answers_that_are_no_equations_are_told_and_fitted(change: Any, said: str) -> None:
    target = Changed(change)
    family = mex.Family("polynomial", {"degree": 2, "cross": False, "link": "logit"})
    stolen = steal(target, TUMOURS[0], "proba", family=family)
    assert said in stolen.note
    labels = target.predict(TUMOURS[0][1::2])
    assert agreement(stolen, target, TUMOURS[0]) > max(labels.mean(), 1 - labels.mean(), 0.85)


def test_one_polynomial_too_few_is_no_solution() -> None:
    X, y = DIABETES
    model = make_pipeline(PolynomialFeatures(3), StandardScaler(), Ridge()).fit(X[:, :4], y)
    family = mex.Family("polynomial", {"degree": 2, "link": "identity"})
    assert "not those of such a polynomial" in steal(model, X[:, :4], "value", family=family).note


def test_a_budget_that_is_too_small_goes_to_rows_like_the_data() -> None:
    model = GaussianNB().fit(*TUMOURS)
    stolen = steal(model, TUMOURS[0], "proba", budget=50)
    assert stolen.queries == 50
    assert "fewer than the 61 coefficients" in stolen.note
    assert agreement(stolen, model, TUMOURS[0]) > 0.85


def test_a_budget_in_the_middle_loses_nothing_that_was_paid_for() -> None:
    model = GaussianNB().fit(*WINE)
    assert agreement(steal(model, WINE[0], "proba", budget=51), model, WINE[0]) == 1.0


def test_what_it_does_not_solve_it_says() -> None:
    X = np.random.default_rng(0).standard_normal((200, 80))
    wide = QuadraticDiscriminantAnalysis(reg_param=0.5).fit(X, X[:, 0] > 0)
    with pytest.raises(mex.Incompatible, match="a polynomial of 3321 coefficients is too large; 2000 can be solved"):
        steal(wide, X, "proba")
    ridge = make_pipeline(PolynomialFeatures(2), Ridge()).fit(*DIABETES)
    with pytest.raises(mex.Incompatible, match="behind the link identity, log or log1p, and this model's is bent"):
        steal(ridge, DIABETES[0], "value", family=mex.Family("polynomial", {"link": "bent"}))
    with pytest.raises(mex.Incompatible, match="polynomial-solving takes value or proba answers"):
        steal(GaussianNB().fit(*IRIS), IRIS[0], "label")


def test_the_same_seed_asks_the_same_rows() -> None:
    model = GaussianNB().fit(*WINE)
    one, two = (steal(model, WINE[0], "proba", seed=3) for _ in range(2))
    assert one.queries == two.queries
    np.testing.assert_array_equal(one.hypothesis[-1].coef_, two.hypothesis[-1].coef_)
