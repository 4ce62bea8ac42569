"""The public class that is read off a fitted estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import mex
from mex.fitted import family_of

X, y = load_breast_cancer(return_X_y=True)


@pytest.mark.parametrize(
    ("estimator", "kind", "public"),
    [
        (LogisticRegression(max_iter=10_000), "linear", {"intercept": True, "link": "logit"}),
        (LogisticRegression(fit_intercept=False, max_iter=10_000), "linear", {"intercept": False, "link": "logit"}),
        (
            make_pipeline(StandardScaler(), LogisticRegression(fit_intercept=False)),
            "linear",
            {"intercept": True, "link": "logit"},
        ),
        (RidgeClassifier(), "linear", {"intercept": True, "link": "margin"}),
        (LinearRegression(), "linear", {"intercept": True, "link": "identity"}),
        (SVC(kernel="linear", max_iter=100), "linear", {"intercept": True, "link": "margin"}),
        (make_pipeline(StandardScaler(), SVC(C=3.0)), "kernel", {"kernel": "rbf", "C": 3.0}),
        (DecisionTreeClassifier(max_depth=2), "tree", {"max_depth": 2}),
        (RandomForestClassifier(n_estimators=3), "forest", {"n_estimators": 3}),
        (GradientBoostingClassifier(n_estimators=3), "boosted", {"n_estimators": 3}),
        (GaussianNB(), "GaussianNB", {}),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "fit") else "",
)
@pytest.mark.filterwarnings("ignore:Solver terminated early")
def test_the_class_of_a_fitted_estimator(estimator: Any, kind: str, public: dict[str, Any]) -> None:
    family = family_of(estimator.fit(X, y))
    assert family.kind == kind
    assert public.items() <= dict(family.public).items()
    assert family.learner is not None
    assert not hasattr(family.learner, "classes_")


def test_what_only_predicts_has_a_class_of_its_own() -> None:
    class Oracle:
        n_features_in_ = 3

        def predict(self, X: Any) -> Any:
            return np.zeros(len(X))

    family = mex.FittedTarget.wrap(Oracle()).family
    assert (family.kind, family.learner) == ("Oracle", None)


def test_a_linear_model_is_attacked_as_one_without_being_told() -> None:
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    domain = mex.Domain(X.min(axis=0), X.max(axis=0))
    stolen = mex.attack("pivot:eps=1e-3", model, domain=domain, budget=800)
    assert np.mean(stolen.hypothesis.predict(X) == model.predict(X)) > 0.99
