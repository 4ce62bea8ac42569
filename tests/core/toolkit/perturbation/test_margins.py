"""Margins agree with the labels that the model itself gives, whatever scores it has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

import mex
from mex.toolkit.active.samplers import between_rows
from mex.toolkit.perturbation.margins import Margins

MODELS = {
    "logistic": make_pipeline(StandardScaler(), LogisticRegression()),
    "linear-svm": make_pipeline(StandardScaler(), LinearSVC(dual=False)),
    "kernel-svm": make_pipeline(StandardScaler(), SVC()),
    "one-vs-one": SVC(kernel="poly", degree=2, decision_function_shape="ovo"),
    "boosting": GradientBoostingClassifier(n_estimators=5, random_state=0),
    "tree": DecisionTreeClassifier(max_depth=3, random_state=0),
    "forest": RandomForestClassifier(9, random_state=0),
    "bayes": GaussianNB(),
}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("name", ["breast_cancer", "iris", "names"])
def test_the_first_class_is_the_label_and_the_lead_its_distance_to_the_second(
    request: pytest.FixtureRequest, model: Any, name: str
) -> None:
    data: mex.Dataset = request.getfixturevalue("iris" if name == "names" else name)
    y = np.array(data.class_names)[data.y] if name == "names" else data.y
    fitted = model.fit(data.X, y)
    margins = Margins.of(fitted, data.X)
    ranking, scores = margins(data.X), np.sort(margins.scores(data.X), axis=1)
    assert np.array_equal(fitted.classes_[ranking.first], fitted.predict(data.X))
    assert (ranking.first != ranking.second).all()
    assert ranking.lead == pytest.approx(scores[:, -1] - scores[:, -2])
    one_by_one = np.concatenate([margins(row[None]).margin for row in data.X[::10]])
    assert one_by_one == pytest.approx(ranking.margin[::10])


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_two_classes_have_a_sign(breast_cancer: mex.Dataset, model: Any) -> None:
    fitted = model.fit(breast_cancer.X, breast_cancer.y)
    margin = Margins.of(fitted)(breast_cancer.X).margin
    assert np.array_equal(margin > 0, fitted.predict(breast_cancer.X) == 1)
    if hasattr(fitted, "decision_function"):
        assert margin == pytest.approx(fitted.decision_function(breast_cancer.X))
    else:
        assert margin == pytest.approx(2 * fitted.predict_proba(breast_cancer.X)[:, 1] - 1)


@pytest.mark.parametrize("name", ["logistic", "linear-svm", "kernel-svm", "one-vs-one", "bayes"])
def test_the_lead_falls_to_0_where_the_label_changes(iris: mex.Dataset, name: str) -> None:
    model = MODELS[name].fit(iris.X, iris.y)
    a, b = iris.X[:149], iris.X[1:]
    differ = model.predict(a) != model.predict(b)
    a, b = a[differ], b[differ]
    for _ in range(40):  # well above the rounding of a score
        middle = (a + b) / 2
        same = (model.predict(middle) == model.predict(a))[:, None]
        a, b = np.where(same, middle, a), np.where(same, b, middle)
    ranking, other = Margins.of(model)(a), Margins.of(model)(b)
    assert ranking.lead == pytest.approx(0, abs=1e-6)
    assert np.array_equal(ranking.second, other.first)
    assert len(a) > 3


def test_a_pure_tree_is_as_sure_of_every_row(iris: mex.Dataset) -> None:
    tree = DecisionTreeClassifier(random_state=0).fit(iris.X, iris.y)
    assert (Margins.of(tree)(iris.domain.sample(500, np.random.default_rng(0))).lead == 1).all()


class Capricious(LogisticRegression):  # type: ignore[misc]
    """Labels that follow no score."""

    def predict(self, X: Any) -> Any:
        return self.classes_[(np.asarray(X)[:, 0] * 10).astype(int) % 2]


MOVED = {
    "by hand": FixedThresholdClassifier(MODELS["logistic"], threshold=0.9),
    "by a little": FixedThresholdClassifier(MODELS["logistic"], threshold=0.55),
    "of the first class": FixedThresholdClassifier(MODELS["logistic"], threshold=0.9, pos_label=0),
    "tuned": TunedThresholdClassifierCV(MODELS["logistic"], scoring="f1"),
    "on scores": FixedThresholdClassifier(MODELS["linear-svm"], threshold=0.5, response_method="decision_function"),
    "of a forest": FixedThresholdClassifier(MODELS["forest"], threshold=0.7),
}


@pytest.mark.parametrize("model", MOVED.values(), ids=MOVED)
def test_a_moved_threshold_moves_the_margin(breast_cancer: mex.Dataset, model: Any) -> None:
    fitted = model.fit(breast_cancer.X, breast_cancer.y)
    target = mex.FittedTarget.wrap(fitted, domain=breast_cancer.domain)
    margins = Margins.of(target, breast_cancer.X)
    X = between_rows(breast_cancer.X, breast_cancer.domain, 5000, np.random.default_rng(1))
    assert np.array_equal(margins(X).margin > 0, fitted.predict(X) == 1)
    cut = {"by hand": np.log(9), "by a little": np.log(0.55 / 0.45), "of the first class": -np.log(9), "on scores": 0.5}
    for name, moved in cut.items():
        if model is MOVED[name]:
            assert margins(X).margin == pytest.approx(fitted.decision_function(X) - moved, abs=1e-6)


def test_what_has_no_margin_is_refused(iris: mex.Dataset) -> None:
    class Labels:
        classes_ = np.arange(3)

        def predict(self, X: Any) -> Any:
            return np.zeros(len(X))

    for model, sentence in (
        (LinearRegression().fit(iris.X, iris.y), "lies between two classes, and this LinearRegression has 0"),
        (DummyClassifier().fit(iris.X, np.ones(150)), "lies between two classes, and this DummyClassifier has 1"),
        (Labels(), "this Labels tells labels only"),
        (Capricious().fit(iris.X, iris.y == 2), "the labels of this Capricious are not those of its highest scores"),
    ):
        with pytest.raises(mex.Incompatible, match=sentence):
            Margins.of(model, iris.X)
