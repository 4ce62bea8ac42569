"""Decision rules are found where they are: the most probable class, or a threshold, to the last digits of a score."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import mex
from mex import FittedTarget
from mex.dataset import Rows
from mex.toolkit.perturbation.rules import DecisionRule, both, known_rule, threshold, trial_rows
from mex.types import Array, FloatArray

NO_ROWS = Rows(np.empty((0, 30)), np.empty(0))
LOGISTIC = make_pipeline(StandardScaler(), LogisticRegression())


def found(model: Any, data: mex.Dataset) -> tuple[DecisionRule, float]:
    target = FittedTarget.wrap(model.fit(data.X, data.y), domain=data.domain)
    return DecisionRule.of(target, Rows(data.X, data.y), np.random.default_rng(0))


@pytest.mark.parametrize("moved", [0.3, 0.5001, 0.9, 0.999])
def test_a_threshold_is_found_to_its_last_digits(breast_cancer: mex.Dataset, moved: float) -> None:
    rule, wrong = found(FixedThresholdClassifier(LOGISTIC, threshold=moved), breast_cancer)
    assert wrong == 0
    assert rule.threshold == pytest.approx(moved, abs=1e-9)


def test_a_threshold_on_the_first_class_is_one_on_the_second(breast_cancer: mex.Dataset) -> None:
    rule, wrong = found(FixedThresholdClassifier(LOGISTIC, threshold=0.9, pos_label=0), breast_cancer)
    assert (rule.threshold, wrong) == (pytest.approx(0.1, abs=1e-9), 0)


def test_a_tuned_threshold_is_the_one_that_was_tuned(breast_cancer: mex.Dataset) -> None:
    model = TunedThresholdClassifierCV(LOGISTIC, scoring="f1")
    rule, wrong = found(model, breast_cancer)
    assert (rule.threshold, wrong) == (pytest.approx(model.best_threshold_, abs=1e-9), 0)


def test_without_rows_of_the_operator_those_of_the_domain_tell(breast_cancer: mex.Dataset) -> None:
    X = StandardScaler().fit_transform(breast_cancer.X)
    model = FixedThresholdClassifier(LogisticRegression(), threshold=0.9).fit(X, breast_cancer.y)
    rule, wrong = DecisionRule.of(FittedTarget.wrap(model), NO_ROWS, np.random.default_rng(0))
    assert (rule.threshold, wrong) == (pytest.approx(0.9, abs=1e-9), 0)


def test_steps_are_cut_in_the_middle_of_a_gap(breast_cancer: mex.Dataset) -> None:
    forest = RandomForestClassifier(10, max_depth=1, random_state=0)
    rule, wrong = found(FixedThresholdClassifier(forest, threshold=0.7), breast_cancer)
    assert wrong == 0
    assert rule.threshold is not None
    assert 0.5 < rule.threshold < 0.9


@pytest.mark.filterwarnings("ignore:.*probability:FutureWarning")
def test_the_labels_of_a_support_vector_machine_are_a_threshold_on_its_probabilities(
    breast_cancer: mex.Dataset,
) -> None:
    svc = make_pipeline(StandardScaler(), SVC(probability=True, random_state=0))
    rule, wrong = found(svc, breast_cancer)
    machine = svc[-1]
    at_boundary = 1 / (1 + np.exp(-machine.probB_[0]))  # Platt's sigmoid at 0, which libsvm solves to 3 digits
    assert rule.threshold == pytest.approx(at_boundary, abs=1e-3)
    assert wrong < 0.001


@pytest.mark.parametrize("data", ["breast_cancer", "iris"])
def test_most_models_answer_the_most_probable_class(request: pytest.FixtureRequest, data: str) -> None:
    dataset = request.getfixturevalue(data)
    for model in (LOGISTIC, RandomForestClassifier(10, random_state=0)):
        assert found(model, dataset) == (DecisionRule(), 0)


class Shifted:
    """A logistic model of three classes that answers its second class 0.3 too readily."""

    def fit(self, X: FloatArray, y: Array) -> Shifted:
        self.model_ = LOGISTIC.fit(X, y)
        self.classes_, self.n_features_in_ = self.model_.classes_, X.shape[1]
        return self

    def predict_proba(self, X: FloatArray) -> FloatArray:
        return np.asarray(self.model_.predict_proba(X))

    def predict(self, X: FloatArray) -> Array:
        return np.asarray(self.classes_[(self.predict_proba(X) + np.array([0, 0.3, 0])).argmax(axis=1)])


def test_any_of_the_classes_that_are_most_probable_together_is_explained(iris: mex.Dataset) -> None:
    class LastOfTies(RandomForestClassifier):  # type: ignore[misc]
        def predict(self, X: FloatArray) -> Array:
            return np.asarray(self.classes_[::-1][self.predict_proba(X)[:, ::-1].argmax(axis=1)])

    forest = LastOfTies(2, random_state=0).fit(iris.X, iris.y)
    rows = trial_rows(FittedTarget.wrap(forest, domain=iris.domain), Rows(iris.X, iris.y), np.random.default_rng(0))
    assert (forest.predict(rows) != forest.predict_proba(rows).argmax(axis=1)).any()
    assert found(forest, iris) == (DecisionRule(), 0)


def test_labels_that_follow_no_rule_are_no_boundary_to_hide(iris: mex.Dataset) -> None:
    target = FittedTarget.wrap(Shifted().fit(iris.X, iris.y), domain=iris.domain)
    rule, wrong = DecisionRule.of(target, Rows(iris.X, iris.y), np.random.default_rng(0))
    assert rule == DecisionRule()
    assert wrong > 0.05
    with pytest.raises(mex.Incompatible, match=r"noise decides .* \d+\.\d% of the labels behind it follow neither"):
        known_rule("noise", target, Rows(iris.X, iris.y), np.random.default_rng(0))


@given(
    st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=12),
)
def test_no_other_threshold_explains_more_labels(rows: list[tuple[int, bool]]) -> None:
    """Scores and labels at random: each row its own, so that nothing lies between two rows."""
    scores, positive = np.array([float(s) for s, _ in rows]), np.array([p for _, p in rows])

    def scored(X: FloatArray) -> tuple[FloatArray, Any]:
        i = X[:, 0].round().astype(int)
        return scores[i], positive[i]

    X = np.arange(len(rows), dtype=float)[:, None]
    domain = mex.Domain([0], [len(rows) - 1], integer=[True])
    t = threshold(scored, X, 2.5, domain)
    fewest = min(np.sum((scores > other) != positive) for other in np.arange(-0.5, 7))
    assert np.sum((scores > t) != positive) == fewest


def test_a_target_that_tells_no_labels_tells_the_most_probable_class(iris: mex.Dataset) -> None:
    target = FittedTarget.wrap(LOGISTIC.fit(iris.X, iris.y), answers=("proba",))
    P, labels = both(target, iris.X)
    assert np.array_equal(labels, P.argmax(axis=1))


def test_models_are_tried_on_rows_that_the_interface_accepts(digits: mex.Dataset) -> None:
    target = FittedTarget.wrap(LOGISTIC.fit(digits.X, digits.y), domain=digits.domain)
    rows = trial_rows(target, Rows(digits.X, digits.y), np.random.default_rng(0))
    assert digits.domain.objection(rows) is None
    assert len(rows) == min(2000, len(digits.X)) + 500


def test_without_rows_a_model_of_several_classes_is_taken_at_its_word(iris: mex.Dataset) -> None:
    """Far from the data a support vector machine's classes beat each other in a circle."""
    machine = make_pipeline(StandardScaler(), SVC()).fit(iris.X, iris.y)
    served = mex.DefendedClassifier.wrap(machine, "boundary-noise:width=0.5,rho=1")
    assert 0 < np.mean(served.predict(iris.X) != machine.predict(iris.X)) < 0.5
