"""An attack that checks itself: a wrong model is said to be wrong, a right one is not, and the budget holds."""

from __future__ import annotations

import zlib

import attrs
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, PolynomialFeatures, StandardScaler
from toys import built

import mex
import mex.target
from mex.toolkit.checking.choice import choose
from mex.toolkit.checking.readings import Told
from mex.toolkit.checking.rows import clear, telling
from mex.toolkit.checking.verdict import verdict
from mex.types import Answer, Array, Estimator, FloatArray

CHECKED = "of its own check"


def fitted(data: mex.Dataset, *steps: Estimator) -> Estimator:
    return make_pipeline(StandardScaler(), *steps, LogisticRegression(max_iter=2000)).fit(data.X[::2], data.y[::2])


def steal(model: Estimator | mex.Target, data: mex.Dataset, seed: int = 0, budget: int = 1500) -> mex.Extraction:
    """By an attack on linear models, which is told that the model is one."""
    target = model
    if not isinstance(model, mex.Target):
        target = mex.FittedTarget.wrap(model, domain=data.domain, family=mex.Family("linear"), answers=("label",))
    oracle = mex.Oracle(target, budget=budget)
    learner = built("attack", "pivot").learner(oracle.knowledge(pool=data.X[1::2][:110]), np.random.default_rng(seed))
    return mex.extract(oracle, learner, snapshots=False)


def agreement(stolen: mex.Extraction, model: Estimator, X: FloatArray) -> float:
    return float(np.mean(stolen.hypothesis.predict(X) == model.predict(X)))


@pytest.mark.parametrize(
    "steps", [(PolynomialFeatures(2),), (KBinsDiscretizer(3, encode="ordinal"), PolynomialFeatures(2))]
)
def test_a_model_that_is_not_linear_is_found_out(breast_cancer: mex.Dataset, steps: tuple[Estimator, ...]) -> None:
    model = fitted(breast_cancer, *steps)
    stolen = steal(model, breast_cancer)
    assert CHECKED in stolen.note or agreement(stolen, model, breast_cancer.X) > 0.98


def test_a_theft_that_succeeds_is_not_accused(breast_cancer: mex.Dataset) -> None:
    model = fitted(breast_cancer)
    for seed in range(3):
        stolen = steal(model, breast_cancer, seed)
        assert (stolen.stopped, stolen.note) == ("done", "")
        assert agreement(stolen, model, breast_cancer.X) > 0.99


class Lying(mex.Defended):
    """Labels of which a tenth are wrong, though it says that none is."""

    rho = 0.0

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        wrong = np.array([zlib.crc32(row.tobytes()) % 10 == 0 for row in X + 0.0])
        labels = self._target.answer(X, "label")
        return np.where(wrong, 1 - labels, labels)


def test_an_oracle_that_lies_is_found_out(breast_cancer: mex.Dataset) -> None:
    model = fitted(breast_cancer)
    target = mex.FittedTarget.wrap(model, domain=breast_cancer.domain, answers=("label",))
    assert CHECKED in steal(Lying(target), breast_cancer, seed=1).note


@pytest.mark.parametrize("budget", [1, 5, 40, 150])
def test_the_check_is_paid_from_the_budget_and_the_majority_is_the_least_that_is_handed_over(
    breast_cancer: mex.Dataset, budget: int
) -> None:
    model = fitted(breast_cancer)
    stolen = steal(model, breast_cancer, budget=budget)
    assert stolen.queries <= budget
    majority = max(np.mean(model.predict(breast_cancer.X) == label) for label in (0, 1))
    assert budget < 40 or agreement(stolen, model, breast_cancer.X) >= majority - 0.05


class Noisy(mex.Defended):
    """Labels that are wrong at a rate, fresh or always at the same rows, and the rate that it declares: a tenth."""

    rho = 0.1

    def __init__(self, target: mex.Target, rate: float, sticky: bool) -> None:
        super().__init__(target)
        self._rate = rate
        self._sticky = sticky
        self._rng = np.random.default_rng(3)

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        wrong = self._rng.random(len(X)) < self._rate
        if self._sticky:
            wrong = np.array([np.random.default_rng(list(row.tobytes())).random() < self._rate for row in X + 0.0])
        return np.where(wrong, 1 - self._target.answer(X, "label"), self._target.answer(X, "label"))


class Rule:
    """A classifier by a rule on 8 numbers: a halfspace, one bent by a square, or two that meet."""

    classes_ = np.array([0, 1])

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def predict(self, X: FloatArray) -> Array:
        score = X @ np.linspace(-1, 1, 8) + 0.2
        if self.kind == "bent":
            score = score + 0.7 * X[:, 0] ** 2 - 0.7 * X[:, 1] ** 2
        if self.kind == "two":
            score = np.minimum(score, X @ np.linspace(0.6, -0.4, 8) + 0.5)
        return (score > 0).astype(int)


@pytest.mark.parametrize(
    ("kind", "rate", "sticky", "right"),
    [
        ("halfspace", 0.1, False, True),
        ("halfspace", 0.1, True, True),
        ("halfspace", 0.25, False, False),
        ("bent", 0.1, False, False),
        ("two", 0.1, True, False),
    ],
)
def test_under_noise_few_rows_are_asked_to_check_unless_answers_are_not_those_of_a_halfspace(
    kind: str, rate: float, sticky: bool, right: bool
) -> None:
    domain, family = mex.Domain.reals(8), mex.Family("linear")
    target = mex.FittedTarget.wrap(Rule(kind), domain=domain, family=family, answers=("label",))
    checked = []
    for seed in range(1 + right):
        oracle = mex.Oracle(Noisy(target, rate, sticky), budget=3000)
        learner = built("attack", "pivot:eps=0.03").learner(oracle.knowledge(), np.random.default_rng(seed))
        stolen = mex.extract(oracle, learner, snapshots=False)
        checked.append(learner.checked)
        assert stolen.stopped == "done"
        close = agreement(stolen, Rule(kind), domain.sample(2000, np.random.default_rng(0))) > 0.97
        if right:
            assert (stolen.note, close) == ("", True)
        elif not close:  # what is right in spite of more noise than was declared need not be told
            assert CHECKED in stolen.note or "contradict" in stolen.note
    assert (min(checked) <= 8) == right


@pytest.mark.parametrize("grouped", [False, True])
def test_rows_of_a_check_are_on_both_sides_of_the_boundary_and_clear_of_it(grouped: bool) -> None:
    groups = [(3, 4, 5)] if grouped else []
    domain = mex.Domain(np.zeros(6), np.ones(6), integer=[True] + [False] * 5, groups=groups)
    model, rng = mex.halfspace(np.array([0.2, 1.0, -1.0, 0.5, -0.5, 0.1]), -0.1), np.random.default_rng(0)
    known = mex.target.knowledge(mex.FittedTarget.wrap(model, domain=domain, family=mex.Family("linear")))
    rows = telling(model, domain.sample(5, rng), known, 12, 1e-3, rng)
    assert rows.shape == (12, 6)
    assert clear(model, rows, domain, 1e-3).all()
    labels = model.predict(rows).reshape(6, 2)
    assert (labels[:, 0] != labels[:, 1]).all()
    np.testing.assert_array_equal(domain.clip(rows), rows)
    apart = np.abs(rows[::2] - rows[1::2]).max(axis=1)
    assert np.median(apart) < 0.6


@pytest.mark.parametrize(("answers_wrong", "check_wrong", "suspected"), [(0, 1, True), (20, 1, False), (20, 6, True)])
def test_where_the_share_of_wrong_labels_is_not_known_it_is_that_of_the_answers_that_contradict(
    answers_wrong: int, check_wrong: int, suspected: bool
) -> None:
    rng, model = np.random.default_rng(0), mex.halfspace(np.array([1.0, -2.0]), 0.5)
    domain = mex.Domain([-1, -1], [1, 1])
    target = mex.FittedTarget.wrap(model, domain=domain, family=mex.Family("linear"), answers=("label",))
    known = attrs.evolve(mex.Oracle(target).knowledge(), rho=None)
    transcript, check = Told(known), Told(known)
    for told, n, wrong in ((transcript, 100, answers_wrong), (check, 12, check_wrong)):
        X = domain.sample(n, rng)
        y = model.predict(X)
        y[:wrong] = 1 - y[:wrong]
        told.add(X, y)
    found, sentence = verdict(model, check, transcript, known, eps=1e-9, tolerated=0.01, exact=True)
    assert (found, sentence) == (suspected, "")


def test_under_noise_a_check_that_fails_by_chance_does_not_replace_a_right_model() -> None:
    domain, model = mex.Domain.reals(8), Rule("halfspace")
    w = mex.halfspace(np.linspace(-1, 1, 8), 0.2, np.array([0, 1]))
    target = mex.FittedTarget.wrap(model, domain=domain, family=mex.Family("linear"), answers=("label",))
    known = attrs.evolve(mex.Oracle(target).knowledge(), rho=0.3)
    for seed in range(2):
        rng = np.random.default_rng(seed)
        told, X = Told(known), domain.sample(40, rng)
        told.add(X, np.where(rng.random(40) < 0.4, 1 - model.predict(X), model.predict(X)), natural=40)
        assert choose(w, True, told, known, seed, any_class=True) is w
        bent = Rule("bent")
        told, X = Told(known), 3 * domain.sample(200, rng)
        told.add(X, bent.predict(X), natural=200)
        if seed == 0:
            assert choose(w, True, told, known, seed, any_class=True) is not w, "another is surely better"
