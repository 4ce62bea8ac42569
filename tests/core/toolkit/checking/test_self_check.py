"""An attack that checks itself: a wrong model is said to be wrong, a right one is not, and the budget holds."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, PolynomialFeatures, StandardScaler

import mex
from mex.types import Answer, Array, Estimator, FloatArray

CHECKED = "of its own check"


def fitted(data: mex.Dataset, *steps: Estimator) -> Estimator:
    return make_pipeline(StandardScaler(), *steps, LogisticRegression(max_iter=2000)).fit(data.X[::2], data.y[::2])


def steal(model: Estimator | mex.Target, data: mex.Dataset, seed: int = 0, budget: int = 1500) -> mex.Extraction:
    """By an attack on linear models, which is told that the model is one."""
    return mex.attack(
        "pivot", model, domain=data.domain, family="linear", pool=data.X[1::2][:150], budget=budget, seed=seed
    )


def agreement(stolen: mex.Extraction, model: Estimator, X: FloatArray) -> float:
    return float(np.mean(stolen.hypothesis.predict(X) == model.predict(X)))


@pytest.mark.parametrize(
    "steps", [(PolynomialFeatures(2),), (KBinsDiscretizer(3, encode="ordinal"), PolynomialFeatures(2))]
)
def test_a_model_that_is_not_linear_is_found_out(breast_cancer: mex.Dataset, steps: tuple[Estimator, ...]) -> None:
    model = fitted(breast_cancer, *steps)
    for seed in range(2):
        stolen = steal(model, breast_cancer, seed)
        assert CHECKED in stolen.note or agreement(stolen, model, breast_cancer.X) > 0.98


def test_a_theft_that_succeeds_is_not_accused(breast_cancer: mex.Dataset) -> None:
    model = fitted(breast_cancer)
    for seed in range(6):
        stolen = steal(model, breast_cancer, seed)
        assert (stolen.stopped, stolen.note) == ("done", "")
        assert agreement(stolen, model, breast_cancer.X) > 0.99


class Lying(mex.Defended):
    """Labels of which a tenth are wrong, though it says that none is."""

    rho = 0.0

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        wrong = np.array([hash(row.tobytes()) % 10 == 0 for row in X + 0.0])
        labels = self._target.answer(X, "label")
        return np.where(wrong, 1 - labels, labels)


def test_an_oracle_that_lies_is_found_out(breast_cancer: mex.Dataset) -> None:
    model = fitted(breast_cancer)
    target = mex.FittedTarget.wrap(model, domain=breast_cancer.domain, answers=("label",))
    found = [CHECKED in steal(Lying(target), breast_cancer, seed).note for seed in range(3)]
    assert sum(found) >= 2


@pytest.mark.parametrize("budget", [1, 5, 40, 100, 400])
def test_the_check_is_paid_from_the_budget_and_the_majority_is_the_least_that_is_handed_over(
    breast_cancer: mex.Dataset, budget: int
) -> None:
    model = fitted(breast_cancer)
    stolen = steal(model, breast_cancer, budget=budget)
    assert stolen.queries <= budget
    majority = max(np.mean(model.predict(breast_cancer.X) == label) for label in (0, 1))
    assert budget < 40 or agreement(stolen, model, breast_cancer.X) >= majority - 0.05
