"""Metrics, against values worked out by hand and against changes that must not matter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

import mex
from mex.app.matrix.evaluation import Yardstick
from mex.app.matrix.record import POINTS
from mex.dataset import Rows
from mex.target import labels
from mex.toolkit import normals
from mex.toolkit.estimators import constant
from mex.toolkit.metrics import agreement, class_agreement, geometric_error
from mex.toolkit.normals import normal
from mex.types import Answer, Array, Estimator, FloatArray

REALS = mex.Domain.reals(2)


def test_agreement_is_the_share_of_equal_labels() -> None:
    assert agreement(np.array(["a", "b", "c"]), np.array(["a", "b", "b"])) == pytest.approx(2 / 3)


def test_a_constant_agrees_with_each_class_alike_on_one_of_two() -> None:
    reference = np.array(["fine"] * 97 + ["fraud"] * 3)
    assert agreement(np.full(100, "fine"), reference) == 0.97
    assert class_agreement(np.full(100, "fine"), reference) == 0.5
    two_of_three = np.array(["fine"] * 98 + ["fraud"] * 2)
    assert class_agreement(two_of_three, reference) == pytest.approx((1 + 2 / 3) / 2)


def test_agreement_of_values_is_the_variance_explained() -> None:
    reference = np.array([0.0, 2.0, 4.0])
    assert agreement(reference + 1, reference, regression=True) == pytest.approx(1 - 3 / 8)
    assert agreement(np.full(3, 2.0), reference, regression=True) == pytest.approx(0)


@pytest.mark.parametrize(
    ("w", "error"),
    [([2, 0], 0), ([0, 3], 2**0.5), ([-5, 0], 2), ([1, 1], 2 * np.sin(np.pi / 8)), ([0, 0], 1)],
)
def test_the_geometric_error_is_the_distance_of_unit_normals(w: list[float], error: float) -> None:
    stolen, target = mex.halfspace(np.array(w, dtype=float)), mex.halfspace(np.array([7.0, 0.0]))
    assert geometric_error(stolen, target, REALS) == pytest.approx(error)


def test_the_intercept_is_a_component_of_the_normal() -> None:
    stolen, target = mex.halfspace(np.array([3.0, 0.0]), 4.0), mex.halfspace(np.array([1.0, 0.0]))
    assert geometric_error(stolen, target, REALS) == pytest.approx(np.hypot(1 - 0.6, 0.8))


def test_the_geometric_error_of_a_box_is_taken_in_its_unit_coordinates() -> None:
    # On [0, 10] x [-1, 1], x - 5 is 5 u with u in [-1, 1]: the same halfspace as u > 0, at a right angle to v > 0.
    box = mex.Domain([0, -1], [10, 1])
    error = geometric_error(mex.halfspace(np.array([1.0, 0.0]), -5.0), mex.halfspace(np.array([0.0, 1.0])), box)
    assert error == pytest.approx(2**0.5)


vectors = st.lists(st.floats(-10, 10), min_size=3, max_size=3).map(np.array).filter(lambda w: np.abs(w).max() > 0.1)


@given(stolen=vectors, target=vectors, scale=st.floats(1e-3, 1e3), other=st.floats(1e-3, 1e3))
def test_the_scale_of_a_normal_does_not_matter(
    stolen: FloatArray, target: FloatArray, scale: float, other: float
) -> None:
    box = mex.Domain([-2, 0], [1, 5])

    def error(a: FloatArray, b: FloatArray) -> float:
        found = geometric_error(mex.halfspace(a[:2], a[2]), mex.halfspace(b[:2], b[2]), box)
        assert found is not None
        return found

    assert error(scale * stolen, other * target) == pytest.approx(error(stolen, target), abs=1e-9)
    assert error(stolen, target) == pytest.approx(error(target, stolen), abs=1e-9)
    assert error(stolen, stolen) == pytest.approx(0, abs=1e-9)


def two_fits(X: FloatArray, y: Array) -> tuple[Estimator, Estimator]:
    """Two linear models of standardised rows, so that the units of ``X`` do not change what is learned."""
    svm = make_pipeline(StandardScaler(), LinearSVC(dual=False))
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y), svm.fit(X, y)


def test_the_units_of_the_features_do_not_matter(breast_cancer: mex.Dataset) -> None:
    X, y = breast_cancer.X[:, :6], breast_cancer.y
    rng = np.random.default_rng(0)
    other = X * 10 ** rng.uniform(-3, 3, size=6) + rng.normal(size=6)
    error = geometric_error(*two_fits(X, y), mex.Domain(X.min(0), X.max(0)))
    assert error is not None
    assert error > 0.05
    assert geometric_error(*two_fits(other, y), mex.Domain(other.min(0), other.max(0))) == pytest.approx(error)


@pytest.mark.parametrize(
    "scaler",
    [StandardScaler(), StandardScaler(with_mean=False), StandardScaler(with_std=False)],
    ids=["both", "no mean", "no scale"],
)
def test_the_normal_of_a_pipeline_is_in_the_units_of_its_input(
    breast_cancer: mex.Dataset, scaler: StandardScaler
) -> None:
    X, y = breast_cancer.X, breast_cancer.y
    model = make_pipeline(scaler, StandardScaler(), LogisticRegression(max_iter=1000)).fit(X, y)
    found = normal(model)
    assert found is not None
    w, b = found
    assert np.allclose(X @ w + b, model.decision_function(X))
    assert geometric_error(model, mex.halfspace(w, b), breast_cancer.domain) == pytest.approx(0, abs=1e-12)


def test_the_normal_of_a_linear_kernel_is_that_of_the_halfspace(breast_cancer: mex.Dataset) -> None:
    X, y = StandardScaler().fit_transform(breast_cancer.X), breast_cancer.y
    svm = SVC(kernel="linear").fit(X, y)
    found = normal(svm)
    assert found is not None
    assert np.allclose(X @ found[0] + found[1], svm.decision_function(X))


def test_what_is_no_halfspace_has_no_normal(iris: mex.Dataset) -> None:
    X, y = iris.X, iris.y
    for model in (
        LogisticRegression(max_iter=1000).fit(X, y),  # three classes
        LogisticRegression().fit(X[:, :1], y),  # three classes of one feature
        SVC().fit(X, y > 0),
        SVC(kernel="poly").fit(X, y > 0),
        DecisionTreeClassifier().fit(X, y),
        DummyClassifier().fit(X, y),
        make_pipeline(PolynomialFeatures(), LogisticRegression(max_iter=1000)).fit(X, y > 0),
    ):
        assert normal(model) is None, model
        assert geometric_error(model, mex.halfspace(np.ones(4)), iris.domain) is None
        assert geometric_error(mex.halfspace(np.ones(4)), model, iris.domain) is None


def test_a_linear_regression_has_a_normal(diabetes: mex.Dataset) -> None:
    model = LinearRegression().fit(diabetes.X, diabetes.y)
    assert geometric_error(model, model, diabetes.domain) == pytest.approx(0)


def test_a_halfspace_answers_the_positive_class_on_its_side_only() -> None:
    stolen = mex.halfspace(np.array([1.0, 0.0]), -2.0, classes=np.array(["no", "yes"]))
    assert stolen.predict([[3, 9], [1, -9]]).tolist() == ["yes", "no"]
    assert stolen.n_features_in_ == 2
    with pytest.raises(ValueError, match="3 features"):
        stolen.predict([[1, 2, 3]])


def test_a_constant_is_an_estimator_of_its_task() -> None:
    assert constant("b", 3).predict(np.zeros((2, 3))).tolist() == ["b", "b"]
    assert constant(1.5, 3, regression=True).predict(np.zeros((2, 3))).tolist() == [1.5, 1.5]


@pytest.fixture
def judged(breast_cancer: mex.Dataset) -> tuple[Yardstick, Rows]:
    X, y = breast_cancer.X, breast_cancer.y
    tree = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X[::2], y[::2])
    target = mex.FittedTarget.wrap(tree, domain=breast_cancer.domain, family=mex.Family("tree"))
    held_out = Rows(X[1::2], y[1::2])
    return Yardstick.of(target, held_out, np.random.default_rng(0)), held_out


def test_the_target_itself_agrees_everywhere(judged: tuple[Yardstick, Rows]) -> None:
    yardstick, held_out = judged
    score = yardstick.score(yardstick.target.estimator)
    right = float(np.mean(yardstick.target.answer(held_out.X, "label") == held_out.y))
    everywhere = {
        "agreement": 1,
        "class_agreement": 1,
        "near_agreement": 1,
        "uniform_agreement": 1,
        "geometric_error": None,
    }
    assert score == {**everywhere, "stolen_accuracy": right}


def test_a_constant_agrees_as_often_as_the_target_says_so(judged: tuple[Yardstick, Rows]) -> None:
    yardstick, held_out = judged
    score = yardstick.score(constant(1, 30))
    assert score["agreement"] == np.mean(yardstick.target.estimator.predict(held_out.X) == 1)
    share = float(np.mean(yardstick.answers["uniform_agreement"] == 1))
    assert score["uniform_agreement"] == share
    assert yardstick.majority("uniform_agreement") == max(share, 1 - share)


def test_the_points_are_the_held_out_rows_rows_between_them_and_the_domain(judged: tuple[Yardstick, Rows]) -> None:
    yardstick, held_out = judged
    assert np.array_equal(yardstick.points["agreement"], held_out.X)
    near, uniform = yardstick.points["near_agreement"], yardstick.points["uniform_agreement"]
    assert len(near) == len(uniform) == POINTS
    domain = yardstick.target.domain
    assert domain.objection(near) is None
    assert domain.objection(uniform) is None
    # A tree is compared on crossovers, whose features are those of real rows; uniform ones are not.
    assert all(np.isin(near[:, i], held_out.X[:, i]).all() for i in range(30))
    assert not np.isin(uniform, held_out.X).any()


def test_accuracies_are_by_the_true_labels(judged: tuple[Yardstick, Rows]) -> None:
    yardstick, held_out = judged
    always = mex.FittedTarget.wrap(constant(0, 30))
    got = yardstick.accuracies(always)
    positive = float(held_out.y.mean())
    truth = float(np.mean(yardstick.target.estimator.predict(held_out.X) == held_out.y))
    lost = truth - (1 - positive)
    assert got == pytest.approx({"target_accuracy": truth, "defended_accuracy": 1 - positive, "accuracy_lost": lost})
    assert yardstick.accuracy(constant(1, 30).predict(held_out.X)) == pytest.approx(positive)


def test_a_regression_is_scored_by_variance_explained(diabetes: mex.Dataset) -> None:
    X, y = diabetes.X, diabetes.y
    target = mex.FittedTarget.wrap(LinearRegression().fit(X, y), domain=diabetes.domain)
    yardstick = Yardstick.of(target, Rows(X, y), np.random.default_rng(0))
    assert yardstick.majority("uniform_agreement") is None
    assert yardstick.score(target.estimator)["agreement"] == pytest.approx(1)
    mean = constant(float(y.mean()), 10, regression=True)
    assert yardstick.score(mean)["agreement"] == pytest.approx(0, abs=1e-9)
    assert yardstick.accuracies(target)["target_accuracy"] == pytest.approx(target.estimator.score(X, y))


def test_an_honest_user_reads_the_most_probable_class_where_no_label_is_given() -> None:
    class Probabilities(mex.Defended):
        answers: tuple[Answer, ...] = ("proba",)

        def answer(self, X: FloatArray, kind: Answer) -> Array:
            assert kind == "proba"
            return np.array([[0.9, 0.1], [0.2, 0.8]])

    shown = Probabilities(mex.FittedTarget.wrap(mex.halfspace(np.ones(2), classes=np.array(["no", "yes"]))))
    assert labels(shown, np.zeros((2, 2))).tolist() == ["no", "yes"]


@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(max_iter=50, fit_intercept=False),
        make_pipeline(StandardScaler(), LinearSVC()),
        make_pipeline(StandardScaler(with_mean=False), StandardScaler(with_std=False), LogisticRegression()),
    ],
)
def test_the_normal_of_scalers_by_formula_is_the_one_by_differences(
    model: Estimator, monkeypatch: pytest.MonkeyPatch
) -> None:
    X = np.random.default_rng(0).normal(5, [1, 10], (200, 2))
    model.fit(X, X @ [1, 0.1] > 6)
    w, b = normal(model)
    monkeypatch.setattr(normals, "PLAIN", set())
    slowly, intercept = normal(model)
    assert np.append(w, b) == pytest.approx(np.append(slowly, intercept), rel=1e-6)
    assert np.array_equal(X @ w + b > 0, model.predict(X))
