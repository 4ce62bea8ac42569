"""Behind a defense the labels are the model's own, whatever its decision rule; where noise moves them, by that rule."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

import mex
from mex import DefendedClassifier, FittedTarget
from mex.dataset import Rows
from mex.target import Target
from mex.testing.examples import example_dataset
from mex.toolkit.active.samplers import between_rows
from mex.toolkit.perturbation.outputs import conceal
from mex.toolkit.perturbation.rules import both
from mex.types import Array, BoolArray, FloatArray

pytestmark = pytest.mark.filterwarnings("ignore:.*probability:FutureWarning")

CANCER, BENIGN = load_breast_cancer(return_X_y=True)
CANCER = StandardScaler().fit_transform(CANCER)
IRIS, SPECIES = load_iris(return_X_y=True)
LOGISTIC = LogisticRegression()
BINARY: dict[str, Any] = {
    "threshold 0.9": FixedThresholdClassifier(LOGISTIC, threshold=0.9),
    "threshold of class 0": FixedThresholdClassifier(LOGISTIC, threshold=0.9, pos_label=0),
    "tuned": TunedThresholdClassifierCV(LOGISTIC, scoring="precision"),
    "forest 0.7": FixedThresholdClassifier(RandomForestClassifier(10, random_state=0), threshold=0.7),
    "SVC": SVC(probability=True, random_state=1),
}
MULTICLASS: dict[str, Any] = {"SVC, 3 classes": SVC(probability=True, random_state=0)}
with warnings.catch_warnings():
    warnings.simplefilter("ignore", FutureWarning)  # probability=True is on its way out of scikit-learn
    FITTED = {name: model.fit(CANCER, BENIGN) for name, model in BINARY.items()} | {
        name: model.fit(IRIS, SPECIES) for name, model in MULTICLASS.items()
    }
KEEPING = [
    "none",
    "label-only",
    "rounding:decimals=0",
    "rounding:decimals=1",
    "rounding:decimals=6",
    "top-k",
    "hide-low-confidence",
    "hide-low-confidence:threshold=1",
    "reverse-sigmoid",
    "query-budget:limit=100000",
    "query-detector:action='flag'",
    "rounding:decimals=1 + top-k + query-budget:limit=100000",
    "reverse-sigmoid + hide-low-confidence",
]
every_model = pytest.mark.parametrize("model", FITTED)
moved = pytest.mark.parametrize("model", ["threshold 0.9", "threshold of class 0", "tuned", "forest 0.7"])


def rows_of(model: str, n: int = 1500) -> tuple[Rows, FloatArray]:
    """The rows that a model was fitted on, and these with rows between them."""
    X, y = (IRIS, SPECIES) if model in MULTICLASS else (CANCER, BENIGN)
    near = between_rows(X, mex.Domain.of(X), n, np.random.default_rng(0))
    return Rows(X, y), np.concatenate([X, near])


@pytest.fixture
def protect(registry: mex.Registry) -> Callable[..., Target]:
    def build(model: str, spec: str, seed: int = 0) -> Target:
        defense = registry.build("defense", spec)
        defended: Target = defense.protect(FittedTarget.wrap(FITTED[model]), rows_of(model)[0], stream(seed))
        return defended

    return build


def stream(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@every_model
def test_these_models_contradict_their_own_probabilities(model: str) -> None:
    _, X = rows_of(model)
    likely = FITTED[model].classes_[FITTED[model].predict_proba(X).argmax(axis=1)]
    assert np.mean(FITTED[model].predict(X) != likely) > 0.0005


@every_model
@pytest.mark.parametrize("spec", KEEPING)
def test_no_label_changes_behind_a_defense_that_keeps_labels(
    protect: Callable[..., Target], model: str, spec: str
) -> None:
    train, X = rows_of(model)
    served = DefendedClassifier.wrap(FITTED[model], spec, train.X, train.y)
    own = FITTED[model].predict(X)
    assert np.array_equal(served.predict(X), own)
    assert np.array_equal(DefendedClassifier.wrap(FITTED[model], spec, train.X).predict(X), own)
    defended = protect(model, spec)
    assert np.array_equal(defended.answer(X, "label"), own), "the same in the matrix"
    assert defended.rho == 0


@every_model
@pytest.mark.parametrize("spec", ["top-k", "hide-low-confidence", "hide-low-confidence:threshold=1"])
def test_what_is_shown_of_the_probabilities_holds_the_label(
    protect: Callable[..., Target], model: str, spec: str
) -> None:
    _, X = rows_of(model)
    defended = protect(model, spec)
    P, own = defended.answer(X, "proba"), FITTED[model].predict(X)
    assert P.sum(axis=1) == pytest.approx(1)
    label = own[:, None] == FITTED[model].classes_
    assert (P[label] > 0).all()
    if spec != "hide-low-confidence":
        assert np.array_equal(P, label.astype(float)), "a label in the form of probabilities, and no second decision"


def test_a_label_of_no_probability_is_shown_all_the_same() -> None:
    P = np.array([[1.0, 0.0]])
    assert conceal(P, np.array([[False, True]]), spread=False).tolist() == [[0, 1]]
    assert conceal(P, np.array([[True, True]]), spread=False).tolist() == [[1, 0]]


# Noise


@every_model
@pytest.mark.parametrize("option", ["", ",sticky=true"])
def test_noise_too_small_to_move_anything_moves_no_label(
    protect: Callable[..., Target], model: str, option: str
) -> None:
    _, X = rows_of(model)
    defended = protect(model, f"gaussian-output:scale=1e-12{option}")
    assert np.mean(defended.answer(X, "label") != FITTED[model].predict(X)) < 1e-3
    assert np.array_equal(defended.answer(CANCER[:, : X.shape[1]], "label")[:0], [])


def above(model: str, P: FloatArray) -> BoolArray:
    """What the operator's own threshold says of probabilities."""
    fitted = FITTED[model]
    threshold = getattr(fitted, "best_threshold_", getattr(fitted, "threshold", None))
    return P[:, 1] >= threshold if getattr(fitted, "pos_label", None) != 0 else P[:, 0] < threshold


@pytest.mark.parametrize("model", ["threshold 0.9", "threshold of class 0", "tuned"])
def test_labels_under_noise_are_what_the_operators_threshold_says_of_the_noisy_probabilities(
    protect: Callable[..., Target], model: str
) -> None:
    _, X = rows_of(model)
    defended = protect(model, "gaussian-output:scale=0.1,sticky=true")
    labels, P = defended.answer(X, "label"), defended.answer(X, "proba")
    own = FITTED[model].predict_proba(X)
    assert np.array_equal(above(model, own), FITTED[model].predict(X) == 1)
    assert np.array_equal(labels == 1, above(model, P)), "a label tells nothing that the probabilities do not"
    flipped, p = labels != FITTED[model].predict(X), own[:, 1]
    cut = {"threshold 0.9": 0.9, "threshold of class 0": 0.1}.get(model, getattr(FITTED[model], "best_threshold_", 0))
    assert np.abs(p[flipped] - cut).mean() < 0.15, "labels are noisy where the model decides"
    assert flipped[np.abs(p - cut) < 0.03].mean() > 0.2
    assert not flipped[np.abs(p - cut) > 0.45].any()


@pytest.mark.parametrize(
    "spec",
    [
        "gaussian-output:scale=0.1",
        "gaussian-output:scale=0.1 + top-k",
        "gaussian-output:scale=0.1 + query-budget:limit=100000 + hide-low-confidence",
        "gaussian-output:scale=0.1 + gaussian-output:scale=0.1",
        "model-ensemble:members=3 + top-k",
        "model-ensemble:members=3 + gaussian-output:scale=0.1,sticky=true",
    ],
)
@pytest.mark.parametrize("kind", ["label", "proba"])
def test_fresh_noise_is_drawn_once_for_a_row_whatever_is_nested(
    protect: Callable[..., Target], spec: str, kind: Any
) -> None:
    _, X = rows_of("threshold 0.9")
    batch, single = protect("threshold 0.9", spec), protect("threshold 0.9", spec)
    one_by_one = np.concatenate([single.answer(row[None], kind) for row in X[:150]])
    assert np.allclose(batch.answer(X[:150], kind), one_by_one)


@moved
def test_labels_and_probabilities_of_one_draw_agree(protect: Callable[..., Target], model: str) -> None:
    _, X = rows_of(model)
    nested = protect(model, "gaussian-output:scale=0.2 + query-budget:limit=100000 + top-k")
    P, labels = both(nested, X)
    assert np.array_equal(P[:, 1] == 1, labels == 1)


def test_noise_over_answers_that_no_rule_explains_is_refused(protect: Callable[..., Target]) -> None:
    sentence = r"gaussian-output decides by .* \d+\.\d% of the labels behind it follow neither the most probable class"
    with pytest.raises(mex.Incompatible, match=sentence):
        protect("threshold 0.9", "reverse-sigmoid + gaussian-output")


# Noise on labels, near a boundary that was moved


@moved
@pytest.mark.parametrize("spec", ["margin-noise:relative=true,scale=0.3", "boundary-noise:share=0.2"])
def test_label_noise_is_where_the_model_decides(protect: Callable[..., Any], model: str, spec: str) -> None:
    _, X = rows_of(model)
    defended = protect(model, spec)
    own, n = FITTED[model].predict(X), 40
    answers = defended.answer(np.repeat(X, n, axis=0), "label").reshape(len(X), n)
    wrong = (answers != own[:, None]).mean(axis=1)
    assert wrong.mean() == pytest.approx(defended.rho_at(X).mean(), abs=0.01)
    a, b = X[:-1], X[1:]
    ends = FITTED[model].predict(a) != FITTED[model].predict(b)
    a, b = a[ends][:40], b[ends][:40]
    for _ in range(50):
        middle = (a + b) / 2
        like_a = (FITTED[model].predict(middle) == FITTED[model].predict(a))[:, None]
        a, b = np.where(like_a, middle, a), np.where(like_a, b, middle)
    if model != "forest 0.7":  # whose margins come in steps
        assert defended.rho_at(a).min() > 0.49, "the boundary of the labels is where the noise is largest"


def test_members_of_an_ensemble_move_the_threshold_once(protect: Callable[..., Target]) -> None:
    _, X = rows_of("threshold 0.9")
    defended = protect("threshold 0.9", "model-ensemble:sticky=true")
    labels = defended.answer(X, "label")
    own = FITTED["threshold 0.9"].predict(X)
    assert np.mean(labels != own) < 0.05
    assert np.mean(labels == 1) == pytest.approx(np.mean(own == 1), abs=0.02), "no class gains"


def test_an_ensemble_that_would_move_a_threshold_twice_refuses(registry: mex.Registry) -> None:
    model = FixedThresholdClassifier(LinearSVC(dual=False), threshold=1.0).fit(CANCER, BENIGN)
    defense, train = registry.build("defense", "model-ensemble"), Rows(CANCER, BENIGN)
    with pytest.raises(mex.Incompatible, match="move the threshold of this FixedThresholdClassifier once more: give"):
        defense.protect(FittedTarget.wrap(model), train, stream(0))
    registry.build("defense", "model-ensemble:targets=true").protect(FittedTarget.wrap(model), train, stream(0))


class Cautious(LogisticRegression):  # type: ignore[misc]
    """A logistic regression that answers its second class from 0.9 on."""

    def predict(self, X: FloatArray) -> Array:
        return np.asarray(self.classes_[(self.predict_proba(X)[:, 1] >= 0.9).astype(int)])


def test_halfspaces_are_drawn_around_the_boundary_of_the_labels_or_not_at_all(registry: mex.Registry) -> None:
    protect, train = registry.build("defense", "model-distribution").protect, Rows(CANCER, BENIGN)
    moved = FittedTarget.wrap(FITTED["threshold 0.9"])
    assert np.mean(protect(moved, train, stream(0)).answer(CANCER, "label") != moved.answer(CANCER, "label")) < 0.05
    cautious = FittedTarget.wrap(Cautious().fit(CANCER, BENIGN), family=mex.Family("linear"))
    with pytest.raises(mex.Incompatible, match="draws halfspaces, and this model is not one"):
        protect(cautious, train, stream(0))


# What is served


class Unlabelled(mex.Defended):
    """Probabilities and nothing else."""

    answers = ("proba",)

    def answer(self, X: FloatArray, kind: Any) -> Array:
        return self._target.answer(X, kind)


class WithoutLabels:
    scope = mex.Scope()

    def protect(self, target: Target, train: Rows, rng: np.random.Generator) -> Target:
        return Unlabelled(target)


def test_a_defense_that_leaves_no_labels_is_not_served_with_labels_made_up() -> None:
    tree = DecisionTreeClassifier().fit(CANCER, BENIGN)
    with pytest.raises(mex.Incompatible, match="this defense answers proba and no labels"):
        DefendedClassifier.wrap(tree, WithoutLabels())


def test_a_model_without_a_moved_threshold_is_served_as_before() -> None:
    data = example_dataset("multiclass")
    model = LogisticRegression().fit(data.X, data.y)
    served = DefendedClassifier.wrap(model, "gaussian-output:scale=0.3,sticky=true", secret="s")
    assert np.array_equal(served.predict(data.X), served.predict_proba(data.X).argmax(axis=1))
