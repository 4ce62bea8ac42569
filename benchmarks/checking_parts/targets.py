"""Targets that are of the class which an attack assumes, and targets that are not, all declared to be of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import attrs
import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    KBinsDiscretizer,
    PolynomialFeatures,
    QuantileTransformer,
    SplineTransformer,
    StandardScaler,
)
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import mex
from mex.types import Answer, Array, Estimator, FloatArray

Make = Callable[[int], Estimator]


@attrs.frozen(eq=False)
class Case:
    """A target, what it is told apart by, and the rows of the attacker and of the measure."""

    name: str
    target: mex.Target
    truth: mex.FittedTarget
    answers: Answer
    pool: FloatArray
    held_out: FloatArray


class Changed(mex.Defended):
    """Answers that an attack does not expect: of another target from some query on, flipped, rounded or perturbed."""

    rho = 0.0

    def __init__(self, target: mex.Target, change: Callable[[Array, FloatArray, int], Array]) -> None:
        super().__init__(target)
        self._change = change
        self._asked = 0

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        answers = self._change(self._target.answer(X, kind), X, self._asked)
        self._asked += len(X)
        return answers


def flipped(share: float, seed: int) -> Callable[[Array, FloatArray, int], Array]:
    """Labels of which a share are wrong."""
    rng = np.random.default_rng(seed)

    def change(labels: Array, X: FloatArray, asked: int) -> Array:
        return np.where(rng.random(len(labels)) < share, 1 - labels, labels)

    return change


def noisy(scale: float, seed: int) -> Callable[[Array, FloatArray, int], Array]:
    """Probabilities or values with normal noise."""
    rng = np.random.default_rng(seed)

    def change(answers: Array, X: FloatArray, asked: int) -> Array:
        if answers.ndim == 1:
            return answers + scale * 50 * rng.standard_normal(answers.shape)
        moved = np.clip(answers + scale * rng.standard_normal(answers.shape), 1e-9, None)
        return moved / moved.sum(axis=1, keepdims=True)

    return change


def another(target: mex.Target, after: int, kind: Answer) -> Callable[[Array, FloatArray, int], Array]:
    """The answers of another target from some query on."""

    def change(answers: Array, X: FloatArray, asked: int) -> Array:
        late = asked + np.arange(len(X)) >= after
        return np.where(late, target.answer(X, kind), answers)

    return change


def _breast_cancer(seed: int) -> tuple[FloatArray, Array]:
    """Rows in a random order, with a random choice of 4 to 11 features."""
    rng = np.random.default_rng(seed)
    X, y = load_breast_cancer(return_X_y=True)
    columns, rows = rng.permutation(30)[: rng.integers(4, 12)], rng.permutation(len(X))
    return X[rows][:, columns], y[rows]


def _scaled(*steps: Estimator) -> Estimator:
    return make_pipeline(StandardScaler(), *steps)


def _case(
    name: str, data: tuple[FloatArray, Array], model: Estimator, answers: Answer, kind: str, **public: Any
) -> Case:
    X, y = data
    half, quarter = len(X) // 2, len(X) // 4
    model.fit(X[:half], y[:half])
    kinds: tuple[Answer, ...] = (answers,) if answers in ("label", "value") else ("label", answers)
    domain = mex.Domain(X.min(axis=0), X.max(axis=0))
    target = mex.FittedTarget.wrap(model, domain=domain, family=mex.Family(kind, public), answers=kinds)
    return Case(name, target, target, answers, X[half : half + quarter], X[half + quarter :])


def _strength(seed: int) -> float:
    return float(10 ** np.random.default_rng(seed).uniform(-2, 2))


def halfspaces(seed: int, right: bool) -> Case:
    """Logistic regressions; or pipelines, kernel machines and trees, labels that lie, and models that change."""
    data = _breast_cancer(seed)
    linear = _scaled(LogisticRegression(C=_strength(seed), max_iter=5000))
    if right:
        return _case("linear", data, linear, "label", "linear")
    wrong: dict[str, Make] = {
        "polynomial": lambda s: _scaled(PolynomialFeatures(2), LogisticRegression(C=10, max_iter=5000)),
        "bins": lambda s: make_pipeline(KBinsDiscretizer(3 + s % 4), LogisticRegression()),
        "spline": lambda s: _scaled(SplineTransformer(n_knots=4), LogisticRegression(C=10)),
        "kernel": lambda s: _scaled(SVC()),
        "forest": lambda s: RandomForestClassifier(20, random_state=s),
        "tree": lambda s: DecisionTreeClassifier(max_depth=4, random_state=s),
        "naive Bayes": lambda s: GaussianNB(),
        "quantiles": lambda s: make_pipeline(QuantileTransformer(n_quantiles=50), LogisticRegression()),
    }
    names = [*wrong, "flips", "changed"]
    name = names[seed % len(names)]
    if name in wrong:
        return _case(name, data, wrong[name](seed), "label", "linear")
    case = _case(name, data, linear, "label", "linear")
    if name == "flips":
        return attrs.evolve(case, target=Changed(case.target, flipped(0.1, seed)))
    other = _case(name, (data[0], 1 - data[1]), LogisticRegression(max_iter=5000), "label", "linear").truth
    return attrs.evolve(case, target=Changed(case.target, another(other, 60, "label")), truth=other)


def several_classes(seed: int, right: bool) -> Case:
    """Softmax regressions on iris and wine; or kernel machines, trees and polynomials."""
    rng = np.random.default_rng(seed)
    X, y = (load_iris, load_wine)[seed % 2](return_X_y=True)
    rows = rng.permutation(len(X))
    data = X[rows][:, rng.permutation(X.shape[1])[:6]], y[rows]
    if right:
        return _case("linear", data, _scaled(LogisticRegression(C=10)), "label", "linear")
    wrong: dict[str, Estimator] = {
        "kernel": _scaled(SVC()),
        "tree": DecisionTreeClassifier(max_depth=4, random_state=seed),
        "polynomial": _scaled(PolynomialFeatures(), LogisticRegression(max_iter=5000)),
    }
    name = list(wrong)[seed % len(wrong)]
    return _case(name, data, wrong[name], "label", "linear")


def equations(seed: int, right: bool) -> Case:
    """Ridge and logistic regressions with values or probabilities; or pipelines, rounding, noise."""
    rng = np.random.default_rng(seed)
    A, b = load_diabetes(return_X_y=True)
    rows = rng.permutation(len(A))
    values, labels = (A[rows], b[rows]), _breast_cancer(seed)
    ridge, logistic = _scaled(Ridge()), _scaled(LogisticRegression(max_iter=5000))

    def regression(name: str, model: Estimator) -> Case:
        return _case(name, values, model, "value", "linear", link="identity", intercept=True)

    def probabilities(name: str, model: Estimator) -> Case:
        return _case(name, labels, model, "proba", "linear", link="logit", intercept=True)

    if right:
        return probabilities("linear", logistic) if seed % 2 else regression("linear", ridge)
    name = ("polynomial", "bins", "noisy values", "noisy probabilities", "rounded probabilities")[seed % 5]
    if name == "polynomial":
        return regression(name, _scaled(PolynomialFeatures(2), Ridge()))
    if name == "bins":
        return regression(name, make_pipeline(KBinsDiscretizer(4), Ridge()))
    if name == "noisy values":
        case = regression(name, ridge)
        return attrs.evolve(case, target=Changed(case.target, noisy(0.1, seed)))
    case = probabilities(name, logistic)
    if name == "noisy probabilities":
        return attrs.evolve(case, target=Changed(case.target, noisy(0.05, seed)))
    return attrs.evolve(case, target=Changed(case.target, lambda answers, X, asked: np.round(answers, 2)))


def trees(answers: Answer) -> Callable[[int, bool], Case]:
    """Decision trees; or logistic regressions, kernel machines and forests, a tree that changes, labels that lie."""

    def make(seed: int, right: bool) -> Case:
        data = _breast_cancer(seed)
        tree = DecisionTreeClassifier(max_depth=4, random_state=seed)
        if right:
            return _case("tree", data, tree, answers, "tree")
        case = _case("changed", data, tree, answers, "tree")
        X = data[0]
        crossed = (X[:, 0] > np.median(X[:, 0])) ^ (X[:, 1] > np.median(X[:, 1]))
        other = _case("changed", (X, crossed.astype(int)), DecisionTreeClassifier(max_depth=4), answers, "tree").truth
        changed = attrs.evolve(case, target=Changed(case.target, another(other, 60, answers)), truth=other)
        if answers == "leaf":
            return changed
        wrong: dict[str, Estimator] = {
            "logistic": _scaled(LogisticRegression()),
            "kernel": _scaled(SVC()),
            "forest": RandomForestClassifier(10, random_state=seed),
        }
        name = [*wrong, "flips", "changed"][seed % 5]
        if name in wrong:
            return _case(name, data, wrong[name], answers, "tree")
        return (
            attrs.evolve(case, name=name, target=Changed(case.target, flipped(0.1, seed))) if seed % 5 == 3 else changed
        )

    return make


def value_trees(seed: int, right: bool) -> Case:
    """Regression trees; or three of them added up."""
    X, y = load_diabetes(return_X_y=True)
    rows = np.random.default_rng(seed).permutation(len(X))
    added = GradientBoostingRegressor(n_estimators=3, max_depth=2, random_state=seed)
    model = DecisionTreeRegressor(max_depth=3, random_state=seed) if right else added
    return _case("tree" if right else "three trees", (X[rows], y[rows]), model, "value", "tree")


def stumps(seed: int, right: bool) -> Case:
    """Boosted stumps, with float32 answers or not; or deeper trees."""
    X, y = load_diabetes(return_X_y=True)
    rows = np.random.default_rng(seed).permutation(len(X))
    depth = 1 if right else 2 + seed % 2
    model = GradientBoostingRegressor(n_estimators=30, max_depth=depth, random_state=seed)
    case = _case("stumps" if right else "deeper trees", (X[rows], y[rows]), model, "value", "boosted", max_depth=1)
    if right and seed % 2:
        single = Changed(case.target, lambda answers, X, asked: answers.astype(np.float32))
        return attrs.evolve(case, name="float32", target=single)
    return case


def booleans(seed: int, right: bool) -> Case:
    """Small functions of 12 bits; or majorities of all of them and halfspaces."""
    rng = np.random.default_rng(seed)
    X = (rng.random((800, 12)) < 0.5).astype(float)
    weights = rng.standard_normal(12)
    a, b, c = rng.permutation(12)[:3]
    bits = X.astype(bool)
    y = (bits[:, a] & bits[:, b]) | bits[:, c] if right else X @ weights > weights.sum() / 2
    if not right and seed % 2:
        y = X.sum(axis=1) > 6
    model = DecisionTreeClassifier(random_state=seed) if right else LogisticRegression(C=100, max_iter=1000)
    domain = mex.Domain(np.zeros(12), np.ones(12), integer=np.ones(12, dtype=bool))
    model.fit(X, y.astype(int))
    target = mex.FittedTarget.wrap(model, domain=domain, family=mex.Family("boolean"), answers=("label",))
    return Case("three bits" if right else "all bits", target, target, "label", X[:200], X[200:])


ATTACKS: dict[str, Callable[[int, bool], Case]] = {
    "pivot": halfspaces,
    "pivot, several classes": several_classes,
    "dimension-coupling": halfspaces,
    "version-space:stop=size,eps=1e-4": halfspaces,
    "lowd-meek": halfspaces,
    "equation-solving": equations,
    "tree-labels": trees("label"),
    "tree-structure": trees("leaf"),
    "tree-structure, values": value_trees,
    "path-finding": trees("leaf"),
    "stump-scan": stumps,
    "kushilevitz-mansour": booleans,
}
"""The targets of each attack; what comes after a comma and a blank only tells two lines of one attack apart."""


def cases(targets: Callable[[int, bool], Case], times: int, right: bool) -> Iterator[tuple[int, Case]]:
    """So many targets, each with its seed."""
    for seed in range(times):
        yield seed, targets(seed, right)
