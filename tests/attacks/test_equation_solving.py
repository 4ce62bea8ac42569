"""equation-solving: exact from d + 1 answers, and as good as the digits allow where they are not exact."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logit
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

import mex
from mex.dataset import Rows
from mex.testing import check_attack
from mex.toolkit.metrics import geometric_error
from mex.toolkit.perturbation.reading import FLOAT, resolution, rounded_from
from mex.types import Array, FloatArray
from mex_equation_solving.attack import EquationSolving
from mex_equation_solving.intervals import Inequalities
from mex_equation_solving.shown import Shown
from mex_gaussian_output.defense import nearest_probabilities

Answers = Callable[[Array], Array]


class Altered(mex.Defended):
    """Answers changed by a function, with a bound on wrong labels that is not public."""

    def __init__(self, target: mex.Target, change: Answers) -> None:
        super().__init__(target)
        self._change = change

    def answer(self, X: FloatArray, kind: Any) -> Array:
        return self._change(self._target.answer(X, kind))


def rounded(decimals: int) -> Answers:
    def change(answers: Array) -> Array:
        answers = np.round(answers, decimals)
        return answers / answers.sum(axis=1, keepdims=True) if answers.ndim == 2 else answers

    return change


def fitted(registry: mex.Registry, model: str, data: mex.Dataset) -> mex.FittedTarget:
    return registry.build("model", model).fit(data, Rows(data.X[::2], data.y[::2]), np.random.default_rng(0))


def logistic(w: Any, b: Any, domain: mex.Domain, classes: Any = None, intercept: bool = True) -> mex.FittedTarget:
    """A logistic or softmax regression with these weights."""
    model = LogisticRegression()
    model.coef_, model.intercept_ = np.atleast_2d(np.asarray(w, dtype=float)), np.atleast_1d(np.asarray(b, dtype=float))
    model.classes_ = np.arange(max(2, len(model.coef_))) if classes is None else np.asarray(classes)
    model.n_features_in_ = model.coef_.shape[1]
    family = mex.Family("linear", {"link": "logit", "intercept": intercept})
    return mex.FittedTarget.wrap(model, domain=domain, family=family, answers=("proba", "label"))


def box(d: int, **kwargs: Any) -> mex.Domain:
    return mex.Domain(-np.ones(d), np.ones(d), **kwargs)


def steal(target: mex.Target, *, budget: int | None = None, seed: int = 0, extra: int = 9) -> mex.Extraction:
    kind: Any = "value" if target.classes is None else "proba"
    oracle = mex.Oracle(target, answers=kind, budget=budget)
    return mex.extract(
        oracle, EquationSolving(extra=extra).learner(oracle.knowledge(), np.random.default_rng(seed)), snapshots=False
    )


def off(stolen: mex.Extraction, target: mex.FittedTarget) -> float:
    """The largest difference of the scores on random rows, as a share of the largest score."""
    X = target.domain.sample(500, np.random.default_rng(9))
    read = "predict" if target.classes is None else "decision_function"
    ours, theirs = getattr(stolen.hypothesis, read)(X), getattr(target.estimator, read)(X)
    if ours.ndim == 2:  # scores of several classes have no common zero
        ours, theirs = (S - S.mean(axis=1, keepdims=True) for S in (ours, theirs))
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def test_it_is_a_well_behaved_attack() -> None:
    assert check_attack(EquationSolving(), least_agreement=0.999).queries == 6


@pytest.mark.parametrize(
    ("model", "name", "queries"),
    [
        ("linear-regression", "diabetes", 12),
        ("logistic", "breast-cancer", 32),
        ("logistic", "iris", 6),
        ("logistic", "wine", 15),
        ("logistic:fit_intercept=false", "breast-cancer", 31),
        ("logistic:fit_intercept=false", "wine", 14),
        ("logistic", "german-credit", 50),  # 61 columns less 13 that the others of their group give
        ("logistic", "tic-tac-toe", 20),  # 27 columns in 9 groups, nothing else
    ],
)
def test_real_models_are_exact_after_one_query_per_unknown_and_one_to_be_sure(
    registry: mex.Registry, model: str, name: str, queries: int
) -> None:
    data = registry.build("dataset", name).load()
    target = fitted(registry, model, data)
    stolen = steal(target)
    assert (stolen.queries, stolen.stopped, stolen.note) == (queries, "done", "")
    assert off(stolen, target) < 1e-9
    if target.classes is None or len(target.classes) == 2:
        assert geometric_error(stolen.hypothesis, target.estimator, target.domain) < 1e-9  # type: ignore[operator]
    if target.classes is not None:
        X = target.encode(data.X)
        np.testing.assert_allclose(
            stolen.hypothesis.predict_proba(X), target.estimator.predict_proba(X), rtol=0, atol=1e-9
        )


def test_ten_classes_of_whole_numbers_are_exact(registry: mex.Registry, digits: mex.Dataset) -> None:
    target = fitted(registry, "logistic", digits)
    stolen = steal(target)
    assert stolen.queries <= 65
    assert off(stolen, target) < 1e-9
    np.testing.assert_array_equal(stolen.hypothesis.predict(digits.X), target.estimator.predict(digits.X))


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e2, 1e4, 1e6])
@pytest.mark.parametrize(
    ("domain", "intercept"), [(box(8), True), (mex.Domain.reals(8), True), (mex.Domain.reals(8), False)]
)
def test_saturated_probabilities_are_asked_again_nearer_to_the_boundary(
    scale: float, domain: mex.Domain, intercept: bool
) -> None:
    for seed in range(3):
        rng = np.random.default_rng(seed)
        w, b = scale * rng.standard_normal(8), scale * rng.uniform(-1, 1) * intercept
        target = logistic(w, b, domain, intercept=intercept)
        stolen = steal(target, seed=seed)
        assert geometric_error(stolen.hypothesis, target.estimator, domain) < 1e-9  # type: ignore[operator]
        assert stolen.queries < 100
        if scale <= 1:
            assert stolen.queries == 8 + intercept + 1


@pytest.mark.parametrize("scale", [3.0, 30.0, 100.0])
def test_steps_that_cannot_be_shortened_are_balanced_by_other_features(scale: float) -> None:
    integer = [True] * 4 + [False] * 8
    domain = mex.Domain([0] * 10 + [-1, -1], [9] * 4 + [1] * 8, integer=integer, groups=[(4, 5, 6), (7, 8, 9)])
    for seed in range(6):
        rng = np.random.default_rng(seed)
        target = logistic(scale * rng.standard_normal(12) / ([9] * 4 + [1] * 8), scale * rng.uniform(-1, 1), domain)
        stolen = steal(target, seed=seed)
        X = domain.sample(2000, np.random.default_rng(9))
        assert off(stolen, target) < (1e-2 if "saturated" in stolen.note else 1e-9)
        np.testing.assert_array_equal(stolen.hypothesis.predict(X), target.estimator.predict(X))


def test_large_weights_of_several_classes_are_exact_as_their_probabilities_do_not_saturate() -> None:
    rng = np.random.default_rng(0)
    target = logistic(100 * rng.standard_normal((4, 5)), rng.standard_normal(4), box(5), classes=list("abcd"))
    stolen = steal(target)
    assert stolen.queries == 7
    assert off(stolen, target) < 1e-9
    assert set(stolen.hypothesis.predict(box(5).sample(300, rng))) <= set("abcd")


@pytest.mark.parametrize("data", ["breast_cancer", "iris", "diabetes"])
def test_rounded_answers_degrade_it_digit_by_digit(
    registry: mex.Registry, data: str, request: pytest.FixtureRequest
) -> None:
    dataset = request.getfixturevalue(data)
    target = fitted(registry, "linear-regression" if data == "diabetes" else "logistic", dataset)
    errors = []
    for decimals in (4, 2, 1) if target.classes is not None else (2, 1, 0):
        stolen = steal(Altered(target, rounded(decimals)), seed=1)
        assert f"rounded to {decimals} decimals" in stolen.note
        assert np.isfinite(stolen.hypothesis.coef_).all()
        errors.append(off(stolen, target))
    assert errors[0] < 1e-3
    assert errors[0] < errors[1] / 3 < errors[2]
    assert errors[2] < 0.5


def test_more_rows_make_up_for_rounding(registry: mex.Registry, breast_cancer: mex.Dataset) -> None:
    target = fitted(registry, "logistic", breast_cancer)
    few, many = (
        np.median([off(steal(Altered(target, rounded(2)), seed=s, extra=extra), target) for s in range(3)])
        for extra in (2, 18)
    )
    assert many < few / 2


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize(
    ("model", "name", "errors"),
    [
        ("logistic", "breast-cancer", {1: 3e-3, 2: 3e-4, 3: 3e-5}),
        ("logistic", "german-credit", {1: 2e-2, 2: 1.8e-3}),
        ("logistic", "iris", {1: 6e-2}),
        ("linear-regression", "diabetes", {0: 2e-4, 1: 1.6e-5}),
    ],
)
def test_rounded_answers_are_intervals_and_tell_more_than_their_middles(
    registry: mex.Registry, model: str, name: str, errors: dict[int, float], known: bool
) -> None:
    data = registry.build("dataset", name).load()
    target = fitted(registry, model, data)
    for decimals, error in errors.items():
        rounding = registry.build("defense", f"rounding:decimals={decimals}")
        bent = rounding.protect(target, Rows(data.X, data.y), np.random.default_rng(0))
        oracle = mex.Oracle(bent, answers="value" if target.classes is None else "proba")
        attack = EquationSolving(defense=rounding if known else None)
        stolen = mex.extract(oracle, attack.learner(oracle.knowledge(), np.random.default_rng(1)), snapshots=False)
        assert f"rounded to {decimals} decimals: weights within the intervals of" in stolen.note
        assert off(stolen, target) < error  # half of what a fit to the middles has, or less
        assert stolen.queries < 14 * (50 if name == "german-credit" else data.X.shape[1] + 1)


def test_zeros_and_ones_that_are_shown_are_intervals_without_an_end() -> None:
    P = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
    bounds = rounded_from(P, 0.01)
    told = Inequalities.of(np.array([[1.0], [-1.0], [0.0]]), bounds)
    assert told is not None
    np.testing.assert_allclose(told.high[0] * told.width[0], logit(0.005))
    assert np.isneginf(told.low[0])
    np.testing.assert_allclose(told.low[1] * told.width[1], logit(0.995))
    assert np.isposinf(told.high[1])
    weights = told.centre()
    assert weights[0] < logit(0.005)
    assert (told.excess(weights) == 0).all()


ROWS_SHOWN = {
    "all": ([[0.5, 0.3, 0.2], [0.2, 0.1, 0.7], [0.3, 0.6, 0.1]], [[0.5, 0.3, 0.2], [0.2, 0.1, 0.7], [0.3, 0.6, 0.1]]),
    "top-k": (
        [[0.6, 0.4, 0.0], [0.0, 0.1, 0.9], [0.3, 0.7, 0.0]],
        [[0.5, 1 / 3, 1 / 6], [0.1, 0.1, 0.9], [0.3, 0.7, 9]],
    ),
    "spread": (
        [[0.6, 0.2, 0.2], [0.1, 0.1, 0.8], [0.22, 0.56, 0.22]],
        [[0.6, 0.3, 0.1], [0.05, 0.15, 0.8], [0, 0.56, 0.44]],
    ),
}


@pytest.mark.parametrize("hidden", ROWS_SHOWN)
def test_what_is_hidden_may_be_anything_and_what_is_shown_may_not(hidden: str) -> None:
    answers, behind = (np.array(table, dtype=float) for table in ROWS_SHOWN[hidden])
    shown, Z = Shown.of(answers), np.log(np.maximum(behind, 1e-9))
    losses, slopes = shown.divergence(Z)
    np.testing.assert_allclose(losses, 0, atol=1e-6)
    np.testing.assert_allclose(slopes, 0, atol=1e-6)
    moved = Z + np.random.default_rng(0).normal(scale=0.3, size=Z.shape)
    losses, slopes = shown.divergence(moved)
    assert (losses > 1e-6).all()
    step = 1e-6 * np.eye(9).reshape(9, 3, 3)
    numerical = [shown.divergence(moved + e)[0].sum() - shown.divergence(moved - e)[0].sum() for e in step]
    np.testing.assert_allclose(slopes.ravel(), np.array(numerical) / 2e-6, atol=1e-6)


def test_a_saturated_answer_is_a_bound_and_its_loss_has_no_step() -> None:
    shown = Shown.of(np.array([[0.999, 0.001], [0.6, 0.4]]))
    losses = [
        shown.divergence(np.array([[z, 0.0], [0.0, 0.0]]))[0][0] for z in logit([0.979, 0.98 - 1e-9, 0.981, 1 - 1e-9])
    ]
    assert losses[0] > losses[1] >= losses[2] == losses[3] == 0
    assert losses[1] < 1e-12


def test_answers_that_are_rounded_and_noisy_are_fitted(registry: mex.Registry, breast_cancer: mex.Dataset) -> None:
    target = fitted(registry, "logistic", breast_cancer)
    rng = np.random.default_rng(0)

    def noise(p: Array) -> Array:
        first = np.clip(p[:, 0] + 0.03 * rng.standard_normal(len(p)), 0, 1).round(2)
        return np.column_stack([first, 1 - first])

    stolen = steal(Altered(target, noise))
    assert "rounded to 2 decimals: weights fitted to" in stolen.note
    X = breast_cancer.X[1::2]
    assert np.mean(stolen.hypothesis.predict(X) == target.estimator.predict(X)) > 0.95


def single(answers: Array) -> Array:
    return answers.astype(np.float32).astype(np.float64)


def printed(answers: Array) -> Array:
    """As a server prints float32 numbers."""
    return np.char.mod("%.9g", answers.astype(np.float32)).astype(np.float64)


def normalised(answers: Array) -> Array:
    answers = single(answers)
    return answers / answers.sum(axis=1, keepdims=True) if answers.ndim == 2 else answers


@pytest.mark.parametrize("change", [single, printed, normalised])
@pytest.mark.parametrize(
    ("model", "name", "queries"),
    [
        ("linear-regression", "diabetes", 12),
        ("logistic", "breast-cancer", 33),
        ("logistic", "german-credit", 53),
        ("logistic", "wine", 15),
        ("logistic", "digits", 68),
    ],
)
def test_float32_answers_are_exact_to_their_digits_after_as_many_queries(
    registry: mex.Registry, model: str, name: str, queries: int, change: Answers
) -> None:
    data = registry.build("dataset", name).load()
    target = fitted(registry, model, data)
    for seed in range(2):
        stolen = steal(Altered(target, change), seed=seed)
        assert (stolen.stopped, stolen.note) == ("done", "")
        assert stolen.queries <= queries
        assert off(stolen, target) < 1e-6


def test_float32_answers_that_were_rounded_are_found_out(registry: mex.Registry, breast_cancer: mex.Dataset) -> None:
    target = fitted(registry, "logistic", breast_cancer)
    stolen = steal(Altered(target, lambda p: single(p.round(2))))
    assert "rounded to 2 decimals: weights within the intervals" in stolen.note


@pytest.mark.parametrize("name", ["breast-cancer", "german-credit", "wine"])
@pytest.mark.parametrize("share", [0.25, 0.5, 0.9])
def test_a_budget_for_less_than_a_row_per_unknown_is_spent_on_rows_like_the_data(
    registry: mex.Registry, name: str, share: float
) -> None:
    data = registry.build("dataset", name).load()
    target = fitted(registry, "logistic", data)
    pool, held_out = target.encode(data.X[1::4]), target.encode(data.X[3::4])
    truth = target.answer(held_out, "label")
    gains = []
    for seed in range(3):
        oracle = mex.Oracle(target, answers="proba", budget=int(share * steal(target).queries))
        learner = EquationSolving().learner(oracle.knowledge(pool=pool), np.random.default_rng(seed))
        stolen = mex.extract(oracle, learner, snapshots=False)
        commonest = np.unique(truth, return_counts=True)[1].max() / len(truth)
        gains.append(np.mean(stolen.hypothesis.predict(held_out) == truth) - commonest)
    assert np.mean(gains) > (-0.03 if share < 0.5 else 0.03)


@pytest.mark.parametrize("low", [0.01, 0.1])
def test_clipped_probabilities_are_seen_through(registry: mex.Registry, breast_cancer: mex.Dataset, low: float) -> None:
    target = fitted(registry, "logistic", breast_cancer)
    stolen = steal(Altered(target, lambda p: np.clip(p, low, 1 - low)))
    assert "not exactly those of a linear model" in stolen.note
    assert geometric_error(stolen.hypothesis, target.estimator, target.domain) < 1e-3  # type: ignore[operator]


def test_noise_is_noticed_and_averaged_out(registry: mex.Registry, breast_cancer: mex.Dataset) -> None:
    target = fitted(registry, "logistic", breast_cancer)
    rng = np.random.default_rng(0)

    def noise(p: Array) -> Array:
        first = np.clip(p[:, 0] + 0.01 * rng.standard_normal(len(p)), 0, 1)
        return np.column_stack([first, 1 - first])

    X = breast_cancer.X[1::2]
    stolen = steal(Altered(target, noise))
    assert "not exactly those of a linear model" in stolen.note
    assert "wrong at" not in stolen.note, "its own check knows how far off it may be"
    assert np.mean(stolen.hypothesis.predict(X) == target.estimator.predict(X)) > 0.97
    assert geometric_error(stolen.hypothesis, target.estimator, target.domain) < 0.005  # type: ignore[operator]


class Noisy(mex.Defended):
    """Noise on each probability, fresh or always the same at a row; then the nearest vector of probabilities."""

    def __init__(self, target: mex.Target, kind: str, scale: float) -> None:
        super().__init__(target)
        self._kind, self._scale, self._rng = kind, scale, np.random.default_rng(0)

    def answer(self, X: FloatArray, kind: Any) -> Array:
        P = self._target.answer(X, kind)
        if self._kind == "sticky":
            N = np.array([np.random.default_rng(list(row.tobytes())).standard_normal(P.shape[1]) for row in X + 0.0])
        else:
            N = (self._rng.laplace if self._kind == "laplace" else self._rng.normal)(size=P.shape)
        return nearest_probabilities(P + self._scale * N)


@pytest.mark.parametrize(
    ("data", "scale", "kind"),
    [("breast_cancer", 0.1, "gaussian"), ("breast_cancer", 0.03, "sticky"), ("iris", 0.01, "laplace")],
)
def test_what_is_fitted_to_noise_is_known_well_and_handed_over(
    registry: mex.Registry, data: str, scale: float, kind: str, request: pytest.FixtureRequest
) -> None:
    target = fitted(registry, "logistic", request.getfixturevalue(data))
    X = target.domain.sample(2000, np.random.default_rng(9))
    stolen = steal(Noisy(target, kind, scale))
    assert "weights fitted to" in stolen.note
    assert "wrong at" not in stolen.note
    assert np.mean(stolen.hypothesis.predict(X) == target.estimator.predict(X)) > 0.99


@pytest.mark.parametrize("scale", [0.0, 0.03])
def test_noise_does_not_excuse_a_model_that_is_not_linear(breast_cancer: mex.Dataset, scale: float) -> None:
    model = make_pipeline(StandardScaler(), PolynomialFeatures(2), LogisticRegression(C=0.1, max_iter=3000))
    model.fit(breast_cancer.X[::2], breast_cancer.y[::2])
    family = mex.Family("linear", {"link": "logit"})
    target = mex.FittedTarget.wrap(model, domain=breast_cancer.domain, family=family, answers=("proba",))
    assert "wrong at" in steal(Noisy(target, "gaussian", scale)).note


def test_two_classes_of_three_that_are_shown_give_equations(registry: mex.Registry) -> None:
    dataset = registry.build("dataset", "iris").load()
    target = fitted(registry, "logistic", dataset)
    hiding = registry.build("defense", "top-k:k=2")
    stolen = steal(hiding.protect(target, Rows(dataset.X, dataset.y), np.random.default_rng(0)))
    assert off(stolen, target) < 1e-3


@pytest.mark.parametrize(("data", "agreement"), [("breast_cancer", 0.97), ("iris", 0.8)])
def test_a_quiet_distortion_of_what_is_promised_to_be_right_is_found_out(
    registry: mex.Registry, data: str, agreement: float, request: pytest.FixtureRequest
) -> None:
    target = fitted(registry, "logistic", request.getfixturevalue(data))
    rows = Rows(target.domain.sample(50, np.random.default_rng(0)), np.zeros(50))
    bent = registry.build("defense", "reverse-sigmoid").protect(target, rows, np.random.default_rng(0))
    assert bent.rho == 0, "the defense keeps the labels and says so"
    stolen = steal(bent)
    assert "not exactly those of a linear model" in stolen.note
    X = target.domain.sample(2000, np.random.default_rng(9))
    assert np.mean(stolen.hypothesis.predict(X) == target.estimator.predict(X)) > agreement


def test_a_defense_that_changes_nothing_costs_nothing(registry: mex.Registry, breast_cancer: mex.Dataset) -> None:
    target = fitted(registry, "logistic", breast_cancer)
    stolen = steal(Altered(target, lambda p: p))
    assert (stolen.queries, stolen.note) == (32, "")
    assert off(stolen, target) < 1e-9


@pytest.mark.parametrize("budget", [1, 2, 15, 30])
def test_a_small_budget_leaves_a_model_that_fits_what_was_answered(
    registry: mex.Registry, breast_cancer: mex.Dataset, budget: int
) -> None:
    target = fitted(registry, "logistic", breast_cancer)
    stolen = steal(target, budget=budget)
    assert (stolen.queries, stolen.stopped) == (budget, "budget")
    asked = stolen.transcript.X
    np.testing.assert_allclose(stolen.hypothesis.predict_proba(asked), stolen.transcript.answers, rtol=1e-6)


@pytest.mark.parametrize("b", [-900.0, 500.0, 5000.0])
def test_one_class_is_answered_by_that_class(b: float) -> None:
    target = logistic([1.0, 2.0], b, box(2), classes=["no", "yes"])
    stolen = steal(target)
    assert stolen.queries <= 210
    assert set(stolen.hypothesis.predict(box(2).sample(50, np.random.default_rng(0)))) == {"yes" if b > 0 else "no"}


@pytest.mark.parametrize("w", [[0.0, 0.0, 0.0], [0.0, 2.0, 0.0]])
def test_weights_of_zero_are_found_to_be_zero(w: list[float]) -> None:
    for b in (0.0, 0.7):
        hypothesis = steal(logistic(w, b, box(3))).hypothesis
        np.testing.assert_allclose(np.append(hypothesis.coef_, hypothesis.intercept_), [*w, b], atol=1e-12)


@given(
    st.integers(1, 6).flatmap(
        lambda d: st.tuples(*[st.lists(st.floats(-20, 20), min_size=d, max_size=d)] * 2, st.floats(-20, 20))
    )
)
@settings(max_examples=40)
def test_any_linear_regression_in_any_box_is_exact(case: tuple[list[float], list[float], float]) -> None:
    w, lower, b = case
    model = LinearRegression()
    model.coef_, model.intercept_, model.n_features_in_ = np.array(w), b, len(w)
    width = 1 + np.arange(len(w)) % 3  # the third is fixed
    domain = mex.Domain(lower, np.array(lower) + width % 3)
    family = mex.Family("linear", {"link": "identity"})
    target = mex.FittedTarget.wrap(model, domain=domain, family=family)
    stolen = steal(target).hypothesis
    X = domain.sample(50, np.random.default_rng(0))
    np.testing.assert_allclose(stolen.predict(X), model.predict(X), rtol=1e-9, atol=1e-9)


def test_rounding_is_told_from_chance() -> None:
    p = np.random.default_rng(0).random(30)
    assert resolution(p) == FLOAT
    assert resolution(np.column_stack([p, 1 - p])) == FLOAT
    assert resolution(np.array([[1 - 1e-14, 1e-14], [1e-13, 1 - 1e-13]])) == FLOAT  # saturated, not rounded
    for decimals in (1, 3, 5):
        P = rounded(decimals)(np.random.default_rng(1).dirichlet(np.ones(5), 30))
        assert resolution(P) == pytest.approx(10.0**-decimals)
        assert resolution(np.round(p, decimals)) == pytest.approx(10.0**-decimals)


@pytest.mark.parametrize(
    ("public", "answers", "reason"),
    [
        ({"link": "margin"}, "proba", "link is margin"),
        ({"link": "logit"}, "value", "link is logit"),
    ],
)
def test_where_the_answers_are_no_equations_it_says_so(public: dict[str, Any], answers: Any, reason: str) -> None:
    regression = answers == "value"
    model = (LinearRegression() if regression else LogisticRegression()).fit([[0.0], [1.0]], [0, 1])
    target = mex.FittedTarget.wrap(model, family=mex.Family("linear", public))
    with pytest.raises(mex.Incompatible, match=reason.replace("link is", "model's is")):
        EquationSolving().learner(mex.Oracle(target, answers=answers).knowledge(), np.random.default_rng(0))


@pytest.mark.parametrize("bent", [False, True])
def test_a_link_that_is_not_declared_is_taken_to_be_the_usual_one_and_told_if_it_is_not(bent: bool) -> None:
    target = attrs.evolve(logistic([1.0, -2.0, 0.5], 0.3, box(3)), family=mex.Family("linear"))
    change: Answers = (lambda P: P**2 / np.maximum(P**2 + (1 - P) ** 1.5, 1e-300)) if bent else np.asarray

    def answer(P: FloatArray) -> FloatArray:
        p = change(P[:, 1])
        return np.column_stack([1 - p, p])

    door = mex.Oracle(Altered(target, answer), answers="proba", budget=300)
    stolen = mex.extract(door, EquationSolving().learner(door.knowledge(), np.random.default_rng(0)))
    assert ("not exactly those of a linear model" in stolen.note) == bent
    assert bent or stolen.queries < 15
