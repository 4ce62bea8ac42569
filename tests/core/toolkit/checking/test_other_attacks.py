"""Attacks on other models than halfspaces of labels check themselves too: on trees, sums of stumps, equations, bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from toys import built

import mex
from mex.toolkit.metrics import agreement
from mex.types import Answer, Array, Estimator, FloatArray

CHECKED = "of its own check"


def target_of(
    model: Estimator, data: mex.Dataset, kind: str, *answers: Answer, rows: int = 300, **public: Any
) -> mex.FittedTarget:
    X, y = data.X[:rows], data.y[:rows]
    domain = mex.Domain(data.X.min(axis=0), data.X.max(axis=0))
    return mex.FittedTarget.wrap(model.fit(X, y), domain=domain, family=mex.Family(kind, public), answers=answers)


def steal(attack: str, target: mex.Target, answers: Answer, data: mex.Dataset, budget: int = 4000) -> mex.Extraction:
    oracle = mex.Oracle(target, answers=answers, budget=budget)
    learner = built("attack", attack).learner(oracle.knowledge(pool=data.X[300:400]), np.random.default_rng(0))
    return mex.extract(oracle, learner, snapshots=False)


class Changed(mex.Defended):
    """Answers that are changed without a word."""

    rho = 0.0

    def __init__(self, target: mex.Target, change: Callable[[Array], Array]) -> None:
        super().__init__(target)
        self._change = change

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        return self._change(self._target.answer(X, kind))


class Replaced(mex.Defended):
    """Another model from some query on."""

    rho = 0.0

    def __init__(self, target: mex.Target, other: mex.Target, after: int) -> None:
        super().__init__(target)
        self._other, self._left = other, after

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        parts = [(self._target, X[: self._left]), (self._other, X[self._left :])]
        self._left = max(self._left - len(X), 0)
        return np.concatenate([target.answer(rows, kind) for target, rows in parts if len(rows)])


def right(stolen: mex.Extraction, target: mex.FittedTarget, X: FloatArray) -> float:
    values = target.classes is None
    return agreement(stolen.hypothesis.predict(X), target.answer(X, "value" if values else "label"), values)


def test_equations_of_a_model_that_is_not_linear(diabetes: mex.Dataset) -> None:
    model = make_pipeline(StandardScaler(), PolynomialFeatures(2), Ridge())
    target = target_of(model, diabetes, "linear", "value", link="identity")
    stolen = steal("equation-solving", target, "value", diabetes)
    assert CHECKED in stolen.note
    truth = target.answer(diabetes.X, "value")
    assert right(stolen, target, diabetes.X) > agreement(np.full_like(truth, truth.mean()), truth, True)


def test_probabilities_that_are_perturbed_or_rounded_are_said_to_be(breast_cancer: mex.Dataset) -> None:
    X, y = breast_cancer.X[:, :6], breast_cancer.y
    few = mex.Dataset("six features", X, y, mex.Domain(X.min(axis=0), X.max(axis=0)), breast_cancer.class_names)
    model = make_pipeline(StandardScaler(), LogisticRegression())
    target = target_of(model, few, "linear", "label", "proba", link="logit")
    rng = np.random.default_rng(0)

    def perturbed(p: Array) -> Array:
        p = np.clip(p + 0.02 * rng.standard_normal(p.shape), 1e-9, None)
        return p / p.sum(axis=1, keepdims=True)

    assert "not exactly" in steal("equation-solving", Changed(target, perturbed), "proba", few).note
    rounded = steal("equation-solving", Changed(target, lambda p: p.round(2)), "proba", few)
    assert "rounded to 2 decimals" in rounded.note


@pytest.mark.parametrize(("model", "wrong"), [(RandomForestClassifier(10, random_state=0), True), (None, False)])
def test_labels_of_a_tree_that_is_none(breast_cancer: mex.Dataset, model: Estimator | None, wrong: bool) -> None:
    tree = DecisionTreeClassifier(max_depth=3, random_state=0)
    target = target_of(tree if model is None else model, breast_cancer, "tree", "label")
    stolen = steal("tree-labels:max_leaves=40", target, "label", breast_cancer, 400 if wrong else 3000)
    assert ("own check" in stolen.note or stolen.stopped == "budget") == wrong
    assert right(stolen, target, breast_cancer.X) > 0.85


@pytest.mark.parametrize("attack", ["tree-structure", "path-finding"])
def test_a_tree_that_answers_with_its_leaves_is_not_accused(breast_cancer: mex.Dataset, attack: str) -> None:
    target = target_of(DecisionTreeClassifier(max_depth=3, random_state=0), breast_cancer, "tree", "label", "leaf")
    stolen = steal(attack, target, "leaf", breast_cancer)
    assert stolen.stopped == "done"
    assert CHECKED not in stolen.note
    assert right(stolen, target, breast_cancer.X) > 0.99


@pytest.mark.parametrize(
    ("attack", "after"), [("tree-structure", 60), ("tree-structure", 150), ("tree-labels", 150), ("path-finding", 60)]
)
def test_a_tree_that_is_replaced_while_it_is_asked(breast_cancer: mex.Dataset, attack: str, after: int) -> None:
    X, y = breast_cancer.X, breast_cancer.y
    answers: Answer = "label" if attack == "tree-labels" else "leaf"
    tree = DecisionTreeClassifier(max_depth=3, random_state=0)
    target = target_of(tree, breast_cancer, "tree", "label", answers)
    above = X[:, :2] > np.median(X[:, :2], axis=0)
    crossed = mex.Dataset("crossed", X, (above[:, 0] ^ above[:, 1]).astype(y.dtype), breast_cancer.domain, ("a", "b"))
    other = target_of(DecisionTreeClassifier(max_depth=3, random_state=0), crossed, "tree", "label", answers)
    stolen = steal(attack, Replaced(target, other, after), answers, breast_cancer, 600)
    early = CHECKED in stolen.note or "contradict" in stolen.note
    assert early if stolen.stopped == "done" else "the target was changed, or is random" in stolen.note
    assert right(stolen, other, X) > 0.5  # most of what it was told is of the first tree


@pytest.mark.parametrize(("rho", "told"), [(0.0, True), (None, False), (0.2, False)])
def test_a_target_that_was_changed_is_told_apart_from_one_that_is_noisy(
    breast_cancer: mex.Dataset, monkeypatch: pytest.MonkeyPatch, rho: float | None, told: bool
) -> None:
    tree = DecisionTreeClassifier(max_depth=3, random_state=0)
    target = target_of(tree, breast_cancer, "tree", "label")
    other = target_of(
        DecisionTreeClassifier(random_state=0), attrs.evolve(breast_cancer, y=1 - breast_cancer.y), "tree", "label"
    )
    monkeypatch.setattr(Replaced, "rho", rho)
    stolen = steal("iwal-tree", Replaced(target, other, 200), "label", breast_cancer, 900)
    assert ("rows are answered otherwise than at first: the target was changed" in stolen.note) == told
    if told:
        assert "otherwise" not in steal("iwal-tree", target, "label", breast_cancer, 900).note


def test_values_that_are_answered_in_another_way_are_told(diabetes: mex.Dataset) -> None:
    model = GradientBoostingRegressor(n_estimators=30, max_depth=1, random_state=0)
    stumps = target_of(model, diabetes, "boosted", "value", max_depth=1)
    flipped = attrs.evolve(diabetes, y=-diabetes.y)
    other = target_of(clone(model), flipped, "boosted", "value", max_depth=1)
    changed = steal("stump-scan", Replaced(stumps, other, 300), "value", diabetes, 700)
    assert changed.stopped == "budget"
    assert "6 of 6 rows are answered otherwise" in changed.note


def test_sums_of_stumps_in_float32_are_right_and_deeper_trees_are_found_out(diabetes: mex.Dataset) -> None:
    stumps = target_of(
        GradientBoostingRegressor(n_estimators=30, max_depth=1, random_state=0),
        diabetes,
        "boosted",
        "value",
        max_depth=1,
    )
    single = steal("stump-scan", Changed(stumps, lambda v: v.astype(np.float32)), "value", diabetes)
    assert "right at 20 of 20 random rows" in single.note
    assert CHECKED not in single.note
    np.testing.assert_allclose(single.hypothesis.predict(diabetes.X), stumps.answer(diabetes.X, "value"), rtol=1e-5)
    deeper = target_of(
        GradientBoostingRegressor(n_estimators=30, max_depth=3, random_state=0),
        diabetes,
        "boosted",
        "value",
        max_depth=1,
    )
    stolen = steal("stump-scan", deeper, "value", diabetes)
    assert CHECKED in stolen.note
    assert right(stolen, deeper, diabetes.X) > 0.7


@pytest.mark.parametrize("model", [LogisticRegression(C=100), DecisionTreeClassifier(max_depth=2)])
def test_bits_of_which_all_matter_are_found_out(model: Estimator) -> None:
    rng = np.random.default_rng(0)
    X = (rng.random((600, 14)) < 0.5).astype(float)
    few = isinstance(model, DecisionTreeClassifier)
    y = (X[:, 0] * X[:, 1] if few else X.sum(axis=1) > 7).astype(int)
    domain = mex.Domain([0] * 14, [1] * 14, integer=[True] * 14)
    target = mex.FittedTarget.wrap(model.fit(X, y), domain=domain, family=mex.Family("boolean"), answers=("label",))
    data = mex.Dataset("bits", X, y, domain, ("no", "yes"))
    stolen = steal("kushilevitz-mansour", target, "label", data, 6000)
    assert right(stolen, target, X) > (0.999 if few else 0.9)
    assert (CHECKED in stolen.note) <= (not few)


def test_values_of_a_regression_tree_and_of_a_sum_of_trees(diabetes: mex.Dataset) -> None:
    tree = target_of(DecisionTreeRegressor(max_depth=3, random_state=0), diabetes, "tree", "value")
    stolen = steal("tree-structure", tree, "value", diabetes)
    assert CHECKED not in stolen.note
    assert right(stolen, tree, diabetes.X) > 0.999
    added = target_of(GradientBoostingRegressor(n_estimators=3, random_state=0), diabetes, "tree", "value")
    stolen = steal("tree-structure", added, "value", diabetes, 1500)
    assert CHECKED in stolen.note or right(stolen, added, diabetes.X) > 0.9
