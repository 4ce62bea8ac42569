"""boosted-exact: ensembles of trees from their values or probabilities, to the last bit."""

from __future__ import annotations

import copy
import itertools

import numpy as np
import pytest
import skops.io
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.ensemble import (
    AdaBoostRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.tree import DecisionTreeRegressor

import mex
from mex.app.matrix.scenarios import set_scene
from mex.registry.spec import Spec
from mex.toolkit.active.boosting import ProbabilityRegressor
from mex.toolkit.active.samplers import between_rows
from mex_boosted_exact.attack import BoostedExact
from mex_boosted_exact.axes import Axes
from mex_boosted_exact.confirmation import Confirmation
from mex_boosted_exact.draws import Draws
from mex_boosted_exact.groups import Grouping
from mex_boosted_exact.guesses import Guesses, spacing
from mex_boosted_exact.leftover import with_search
from mex_boosted_exact.likely import Likely
from mex_boosted_exact.opposites import Opposites
from mex_boosted_exact.paths import Path
from mex_boosted_exact.scores import Scores
from mex_boosted_exact.search import Hunt
from mex_boosted_exact.searches import Searches, Strand
from mex_boosted_exact.sums import BoxSum
from mex_boosted_exact.transcript import Transcript


def steal(model, domain, answers, *, budget=None, pool=None, checks=600, family=None, seed=0):
    target = mex.FittedTarget.wrap(model, domain=domain, **({"family": family} if family else {}))
    oracle = mex.Oracle(target, budget=budget, answers=answers)
    attack = BoostedExact(checks=checks, limit=20_000, trees=60)
    learner = attack.learner(oracle.knowledge(pool=pool), np.random.default_rng(seed))
    return mex.extract(oracle, learner, snapshots=False)


def points(domain, X, n=5000):
    """Uniform rows, rows near the data, and the data."""
    rng = np.random.default_rng(7)
    near = between_rows(X, domain, n, rng, crossover=True)
    return np.concatenate([domain.sample(n, rng), near, X])


def around(trees, domain):
    """Each threshold inside the domain as float32 and the numbers before and after it, in random rows."""
    rng, rows = np.random.default_rng(5), []
    for tree in trees:
        for f, t in zip(tree.feature, tree.threshold, strict=True):
            if f >= 0 and domain.lower[f] <= t < domain.upper[f]:
                near = np.float32(t)
                for x in (np.nextafter(near, np.float32(-np.inf)), near, np.nextafter(near, np.float32(np.inf))):
                    row = domain.sample(1, rng)[0]
                    row[f] = np.round(x) if domain.integer[f] else np.clip(x, domain.lower[f], domain.upper[f])
                    rows.append(row)
    return np.array(rows)


@pytest.fixture(scope="module")
def tumours(breast_cancer: mex.Dataset) -> mex.Dataset:
    return breast_cancer


def test_a_boosted_classifier_is_stolen_to_the_last_bit_of_its_thresholds(tumours: mex.Dataset) -> None:
    model = GradientBoostingClassifier(n_estimators=15, max_depth=2, random_state=0).fit(tumours.X, tumours.y)
    stolen = steal(model, tumours.domain, "proba", pool=tumours.X[::2])
    X = np.concatenate(
        [points(tumours.domain, tumours.X), around([e.tree_ for e in model.estimators_[:, 0]], tumours.domain)]
    )
    assert np.abs(stolen.hypothesis.predict_proba(X) - model.predict_proba(X)).max() < 1e-12
    assert np.array_equal(stolen.hypothesis.predict(X), model.predict(X))
    assert stolen.stopped == "done"
    assert "exact:" in stolen.note
    assert "wrong on less than 0.50%" in stolen.note


def test_a_boosted_regressor_is_stolen_exactly(diabetes: mex.Dataset) -> None:
    model = GradientBoostingRegressor(n_estimators=12, max_depth=3, random_state=0).fit(diabetes.X, diabetes.y)
    stolen = steal(model, diabetes.domain, "value")
    X = points(diabetes.domain, diabetes.X)
    assert np.abs(stolen.hypothesis.predict(X) - model.predict(X)).max() < 1e-9
    true = {float(np.float32(t)) for e in model.estimators_[:, 0] for t in e.tree_.threshold[e.tree_.feature >= 0]}
    found = {t for some in stolen.hypothesis.thresholds_.values() for t in some}
    assert len(found) <= len(true)
    lines = stolen.hypothesis.describe()
    assert len(lines) == len(stolen.hypothesis.thresholds_) + len(stolen.hypothesis.coefficients)
    assert all(repr(t) in "".join(lines) for t in found)


def check_stumps(model, domain, answers, rows, tolerance, pool=None, more=0):
    stolen = steal(model, domain, answers, pool=pool)
    thresholds = sum(map(len, stolen.hypothesis.thresholds_.values()))
    assert stolen.queries <= 600 + 50 + more + 10 * thresholds  # checks, most rows of the survey among them
    ask = "predict" if answers == "value" else "predict_proba"
    off = np.abs(getattr(stolen.hypothesis, ask)(rows) - getattr(model, ask)(rows))
    assert "exact:" in stolen.note
    assert off.max() < tolerance


@pytest.mark.parametrize("known", [True, False])
def test_stumps_take_at_most_ten_rows_a_threshold(diabetes: mex.Dataset, known: bool) -> None:
    model = GradientBoostingRegressor(n_estimators=60, max_depth=1, random_state=0).fit(diabetes.X, diabetes.y)
    rows = points(diabetes.domain, diabetes.X)
    check_stumps(model, diabetes.domain, "value", rows, 1e-9, pool=diabetes.X[::2] if known else None)


def test_stumps_are_stolen_from_float32_probabilities(tumours: mex.Dataset) -> None:
    xgboost = pytest.importorskip("xgboost")
    model = xgboost.XGBClassifier(n_estimators=40, max_depth=1, n_jobs=1).fit(tumours.X, tumours.y)
    check_stumps(model, tumours.domain, "proba", points(tumours.domain, tumours.X), 1e-5, pool=tumours.X[::2], more=300)


class OneByOne(RegressorMixin, BaseEstimator):
    """A sum over features, of which the first two have a node together if there is an ``interaction``."""

    def __init__(self, interaction: float) -> None:
        self.interaction = interaction
        self.is_fitted_ = True

    def predict(self, X):
        x = np.asarray(X).astype(np.float32)
        steps = [[0.11, 0.52, 0.5200001], [0.2, 0.9], [0.5], []]
        heights = np.random.default_rng(3).standard_normal((4, 3))
        alone = sum(
            height * (x[:, j] >= np.float32(t))
            for j, row in enumerate(steps)
            for t, height in zip(row, heights[j], strict=False)
        )
        return alone + self.interaction * ((x[:, 0] >= np.float32(0.995)) & (x[:, 1] >= np.float32(0.995)))


@pytest.mark.parametrize("interaction", [0.0, 0.7])
def test_a_node_of_two_features_that_a_sum_over_features_seems_not_to_have_is_found(interaction: float) -> None:
    domain, model = mex.Domain([0] * 4, [1] * 4), OneByOne(interaction)
    stolen = steal(model, domain, "value", family=mex.Family("boosted"), checks=600)
    rows = domain.sample(4000, np.random.default_rng(0))
    rows[:1000, :2] = 1 - 0.01 * rows[:1000, :2]
    assert "exact:" in stolen.note
    assert np.abs(stolen.hypothesis.predict(rows) - model.predict(rows)).max() < 1e-9


def test_searches_ask_side_by_side(diabetes: mex.Dataset) -> None:
    model = GradientBoostingRegressor(n_estimators=30, max_depth=2, random_state=0).fit(diabetes.X, diabetes.y)
    oracle = mex.Oracle(mex.FittedTarget.wrap(model, domain=diabetes.domain))
    learner = BoostedExact(checks=300).learner(oracle.knowledge(), np.random.default_rng(0))
    trips = 0
    while (X := learner.ask()) is not None:
        learner.tell(X, oracle.ask(X))
        trips += 1
    assert "exact" in learner.note
    assert oracle.queries / trips > 6  # one search by itself asks a row or two


def test_values_of_the_data_tell_where_thresholds_are_likely_and_others_are_found_as_well() -> None:
    rng = np.random.default_rng(0)
    pool = np.column_stack([rng.integers(1000, size=300) / 100, rng.random(300)])
    axes = Axes(mex.Domain([0, 0], [10, 1]))
    assert abs(spacing(np.unique(pool[:, 0])) - 0.01) < 1e-9
    assert spacing(np.unique(pool[:, 1])) == 0

    def rows(guesses: Guesses, axis: int, threshold: float) -> int:
        low, high, asked = float(axes.lower[axis]), float(axes.upper[axis]), 0
        while (middle := guesses.middle(axis, low, high)) is not None:
            low, high = (middle, high) if middle <= threshold else (low, middle)
            asked += 1
        assert low <= threshold < high
        assert np.nextafter(np.float32(low), np.float32(99)) == np.float32(high)
        guesses.learn(axis, low, high)
        return asked

    with_data, without = Guesses(axes, pool), Guesses(axes, None)
    likely = rng.integers(1, 1999, size=40) / 200
    assert sum(rows(with_data, 0, t) for t in likely) < 0.6 * sum(rows(without, 0, t) for t in likely)
    anywhere = 10 * rng.random(20)
    assert sum(rows(with_data, 0, t) for t in anywhere) < 1.25 * sum(rows(without, 0, t) for t in anywhere)
    assert rows(with_data, 1, 0.123) < 40


class Hidden(RegressorMixin, BaseEstimator):
    """Boxes that end before the corners of the domain, so that nothing of them is seen there."""

    def __init__(self) -> None:
        self.is_fitted_ = True

    def predict(self, X):
        x = np.asarray(X).astype(np.float32)
        one = np.e * ((x[:, 0] >= np.float32(0.6)) & (x[:, 0] < np.float32(0.9)) & (x[:, 1] < np.float32(0.2)))
        return one + np.pi * ((x[:, 2] >= np.float32(0.7)) & (x[:, 1] >= np.float32(0.8)) & (x[:, 0] < np.float32(0.9)))


def test_boxes_that_do_not_reach_a_corner_are_found_with_their_fewest_steps() -> None:
    domain, model = mex.Domain([0] * 3, [1] * 3), Hidden()
    stolen = steal(model, domain, "value", family=mex.Family("boosted"), checks=600)
    rows = domain.sample(4000, np.random.default_rng(0))
    assert "exact: a clone of 5 terms with 5 thresholds" in stolen.note
    assert np.abs(stolen.hypothesis.predict(rows) - model.predict(rows)).max() < 1e-12


class Neighbours(RegressorMixin, BaseEstimator):
    """Trees whose thresholds are neighbouring float32 numbers."""

    def __init__(self) -> None:
        self.is_fitted_ = True

    def predict(self, X):
        x, near = np.asarray(X).astype(np.float32), np.nextafter(np.float32(0.37), np.float32(1))
        first, second, third = x[:, 0] >= np.float32(0.37), x[:, 0] >= near, x[:, 1] >= near
        return np.pi * (first + 2.0 * (second & third) - 0.7 * (first & ~third) + 0.3 * (second & (x[:, 2] < 0.5)))


def test_thresholds_that_are_neighbouring_numbers_are_told_apart() -> None:
    domain, model = mex.Domain([0, 0, 0], [1, 1, 1]), Neighbours()
    stolen = steal(model, domain, "value", family=mex.Family("boosted"), checks=300)
    rows = domain.sample(2000, np.random.default_rng(0))
    numbers = np.nextafter(np.float32(0.37), np.float32([0, 0.37, 1]))
    rows[:, :2] = numbers[np.random.default_rng(1).integers(3, size=(2000, 2))]
    assert "exact:" in stolen.note
    assert np.abs(stolen.hypothesis.predict(rows) - model.predict(rows)).max() < 1e-9


def test_a_forest_of_boosted_trees_adds_up_log_odds(tumours: mex.Dataset) -> None:
    xgboost = pytest.importorskip("xgboost")
    model = xgboost.XGBRFClassifier(n_estimators=8, max_depth=2, n_jobs=1).fit(tumours.X, tumours.y)
    stolen = steal(model, tumours.domain, "proba", checks=300)
    X = points(tumours.domain, tumours.X)
    assert "exact:" in stolen.note
    assert np.abs(stolen.hypothesis.predict_proba(X) - model.predict_proba(X)).max() < 1e-5


def test_what_is_said_to_be_exact_of_float32_answers_is(registry: mex.Registry) -> None:
    xgboost = pytest.importorskip("xgboost")
    seed = 2  # whose answers were once said to be explained where they were not
    scene = set_scene(registry, Spec.parse("boosted-trees:trees=1"), Spec("pima-diabetes"), seed)
    kind = xgboost.XGBClassifier(n_estimators=100, max_depth=3, learning_rate=0.1, random_state=seed, n_jobs=1)
    model, domain = kind.fit(scene.train.X, scene.train.y), scene.target.domain
    oracle = mex.Oracle(mex.FittedTarget.wrap(model, domain=domain), answers="proba")
    learner = BoostedExact(trees=30).learner(oracle.knowledge(pool=scene.pool.X), np.random.default_rng([seed, 2]))
    stolen = mex.extract(oracle, learner, snapshots=False)
    X = points(domain, scene.train.X)
    off = np.abs(stolen.hypothesis.predict_proba(X) - model.predict_proba(X)).max()
    assert stolen.note.startswith("exact:")
    assert off < 1e-5


def test_native_categories_and_missing_values_are_stolen_exactly() -> None:
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.integers(6, size=400), rng.random((400, 2))]).astype(float)
    y = rng.standard_normal(6)[X[:, 0].astype(int)] * (X[:, 1] > 0.4) + X[:, 2]
    X[rng.random(X.shape) < 0.1] = np.nan
    model = HistGradientBoostingRegressor(max_iter=4, max_depth=3, categorical_features=[0]).fit(X, y)
    domain = mex.Domain([0, 0, 0], [5, 1, 1], integer=[True, False, False], incomplete=True)
    stolen = steal(model, domain, "value", checks=300)
    rows = domain.sample(3000, rng)
    rows[rng.random(rows.shape) < 0.2] = np.nan
    assert "exact:" in stolen.note
    assert np.abs(stolen.hypothesis.predict(rows) - model.predict(rows)).max() < 1e-9


@pytest.mark.parametrize("library", ["lightgbm", "catboost", "xgboost"])
def test_missing_values_and_native_categories_of_other_libraries_are_stolen_exactly(library: str) -> None:
    boosters, rng = pytest.importorskip(library), np.random.default_rng(0)
    X = np.column_stack([rng.integers(6, size=400), rng.random((400, 2))]).astype(float)
    y = rng.standard_normal(6)[X[:, 0].astype(int)] * (X[:, 1] > 0.4) + X[:, 2]
    X[rng.random(X.shape) < 0.1] = np.nan
    if library == "catboost":  # whose categories are no numbers
        model = boosters.CatBoostRegressor(iterations=5, depth=3, verbose=False, allow_writing_files=False)
    elif library == "xgboost":
        model = boosters.XGBRegressor(
            n_estimators=5, max_depth=3, n_jobs=1, enable_categorical=True, feature_types=["c", "q", "q"]
        )
    else:
        model = boosters.LGBMRegressor(n_estimators=5, max_depth=3, n_jobs=1, verbose=-1, cat_smooth=1)
    model.fit(X, y, **({"categorical_feature": [0]} if library == "lightgbm" else {}))
    domain = mex.Domain([0, 0, 0], [5, 1, 1], integer=[True, False, False], incomplete=True)
    stolen = steal(model, domain, "value", checks=300)
    rows = domain.sample(3000, rng)
    rows[rng.random(rows.shape) < 0.2] = np.nan
    assert "exact:" in stolen.note
    assert np.abs(stolen.hypothesis.predict(rows) - model.predict(rows)).max() < 1e-6


def test_several_classes_cost_one_search(registry: mex.Registry) -> None:
    X, y = load_iris(return_X_y=True)
    model = GradientBoostingClassifier(n_estimators=5, max_depth=2, random_state=0).fit(X, y)
    domain = mex.Domain.of(X)
    stolen = steal(model, domain, "proba")
    rows = points(domain, X)
    assert np.abs(stolen.hypothesis.predict_proba(rows) - model.predict_proba(rows)).max() < 1e-12


def test_a_forest_is_stolen_from_its_mean_probabilities(tumours: mex.Dataset) -> None:
    model = RandomForestClassifier(6, max_depth=2, random_state=0).fit(tumours.X, tumours.y)
    stolen = steal(model, tumours.domain, "proba")
    X = points(tumours.domain, tumours.X)
    assert np.abs(stolen.hypothesis.predict_proba(X) - model.predict_proba(X)).max() < 1e-12


def test_thresholds_in_float64_are_found_where_the_target_compares_so(diabetes: mex.Dataset) -> None:
    model = HistGradientBoostingRegressor(max_iter=5, max_depth=2).fit(diabetes.X, diabetes.y)
    family = mex.Family("boosted", {"max_depth": 2})  # which says nothing of the precision
    stolen = steal(model, diabetes.domain, "value", family=family, checks=300)
    thresholds = stolen.hypothesis.thresholds_
    rows = diabetes.domain.sample(60, np.random.default_rng(0))
    for name, values in thresholds.items():
        for t in values:
            for x in (np.nextafter(t, -np.inf), t):
                rows[:, diabetes.domain.names.index(name) if diabetes.domain.names else int(name)] = x
                assert np.abs(stolen.hypothesis.predict(rows) - model.predict(rows)).max() < 1e-9


def test_levels_of_a_category_and_missing_values_are_steps_like_others() -> None:
    rng = np.random.default_rng(0)
    level, number = rng.integers(4, size=400), rng.random(400)
    X = np.column_stack([np.eye(4)[level], number, rng.integers(9, size=400)])
    y = 2.0 * (level % 2) + (number > 0.3) * (level == 2) + 0.1 * X[:, 5]
    X[::7, 4] = np.nan
    model = HistGradientBoostingRegressor(max_iter=6, max_depth=3, min_samples_leaf=5).fit(X, y)
    domain = mex.Domain(
        np.zeros(6), [1, 1, 1, 1, 1, 8], integer=[False] * 5 + [True], groups=[(0, 1, 2, 3)], incomplete=True
    )
    stolen = steal(model, domain, "value", family=mex.Family("boosted"), checks=300)
    rows = domain.sample(3000, rng)
    rows[::3, 4] = np.nan
    rows[1::5, 5] = np.nan
    rows[2::9, :4] = np.nan
    assert np.abs(stolen.hypothesis.predict(rows) - model.predict(rows)).max() < 1e-9


class Changed(ClassifierMixin, BaseEstimator):
    """A classifier whose probabilities are changed on their way out."""

    def __init__(self, model, change) -> None:
        self.model = model
        self.change = change
        self.classes_ = model.classes_

    def predict_proba(self, X):
        p = self.change(self.model.predict_proba(X)[:, 1], X)
        return np.column_stack([1 - p, p])

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def rounded(p, X):
    return np.round(p, 4)


NOISE = np.random.default_rng(0)


def noisy(p, X):
    return np.clip(p + 0.01 * NOISE.standard_normal(len(p)), 0, 1)


def sticky(p, X):
    return np.clip(p + 0.01 * np.sin(1e6 * X.sum(axis=1)), 0, 1)


@pytest.mark.parametrize(
    ("change", "why"), [(rounded, "rounded to 4 decimals"), (noisy, "noisy"), (sticky, "drawn once for each row")]
)
def test_answers_that_hide_the_steps_are_refused_with_the_reason_and_a_surrogate(change, why, tumours) -> None:
    model = GradientBoostingClassifier(n_estimators=30, max_depth=3, random_state=0).fit(tumours.X, tumours.y)
    stolen = steal(Changed(model, change), tumours.domain, "proba", family=mex.Family("boosted"), pool=tumours.X[::2])
    assert why in stolen.note
    assert "not exact" in stolen.note
    assert stolen.queries <= 300
    assert np.mean(stolen.hypothesis.predict(tumours.X[1::2]) == model.predict(tumours.X[1::2])) > 0.8


def test_a_smooth_target_is_refused() -> None:
    X, y = load_iris(return_X_y=True)
    model = LogisticRegression(C=0.1).fit(X, y == 2)
    stolen = steal(model, mex.Domain.of(X), "proba", family=mex.Family("boosted"))
    assert "no sum of steps" in stolen.note


class Single(ClassifierMixin, BaseEstimator):
    """A linear model that answers float32 probabilities, as boosters of linear models do."""

    def __init__(self) -> None:
        self.classes_ = np.array([0, 1])
        self.is_fitted_ = True

    def predict_proba(self, X):
        p = (1 / (1 + np.exp(-(X @ np.array([1.0, -2.0, 0.5]))))).astype(np.float32)
        return np.column_stack([1 - p, p])

    def predict(self, X):
        return self.predict_proba(X).argmax(axis=1)


def test_a_smooth_target_that_answers_in_float32_is_refused_by_the_survey() -> None:
    stolen = steal(Single(), mex.Domain([-1] * 3, [1] * 3), "proba", family=mex.Family("boosted"))
    assert "no sum of steps" in stolen.note
    assert stolen.queries <= 200


class Saturated(ClassifierMixin, BaseEstimator):
    """Trees of which some leaves are so large that probabilities are 0 or 1 to the last bit."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype
        self.classes_ = np.array([0, 1])
        self.is_fitted_ = True

    def predict_proba(self, X):
        thresholds = np.float32([0.6, 0.3, 0.5, 0.8])
        a, b, c, d = (np.asarray(X).astype(np.float32) >= thresholds).T * 1.0
        p = (1 / (1 + np.exp(-(0.7 * b - 1.3 * a * b + 60 * a * c - 54 * d * c)))).astype(self.dtype)
        return np.column_stack([1 - p, p])

    def predict(self, X):
        return self.predict_proba(X).argmax(axis=1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_where_0_or_1_is_answered_the_clone_has_to_answer_so_too(dtype: str) -> None:
    """A tenth of the rows are 0 or 1, and no row tells how far beyond: a clone was called exact that had 0.6 there."""
    domain, model = mex.Domain([0] * 4, [1] * 4), Saturated(dtype)
    stolen = steal(model, domain, "proba", family=mex.Family("boosted"))
    rows = domain.sample(5000, np.random.default_rng(0))
    p = model.predict_proba(rows)
    assert 0.1 < np.isin(p[:, 1], (0, 1)).mean() < 0.4
    assert "of which are answered 0 or 1" in stolen.note
    assert stolen.note.startswith("exact")
    assert np.abs(stolen.hypothesis.predict_proba(rows) - p).max() < 1e-5


def test_shares_of_trees_that_are_equal_but_for_rounding_have_the_label_of_the_model(tumours: mex.Dataset) -> None:
    model = RandomForestClassifier(4, random_state=0).fit(tumours.X[::9], tumours.y[::9])
    stolen = steal(model, tumours.domain, "proba")
    X = points(tumours.domain, tumours.X)
    assert (model.predict_proba(X)[:, 1] == 0.5).sum() > 20
    assert np.array_equal(stolen.hypothesis.predict(X), model.predict(X))


def test_a_forest_calibrated_by_a_sigmoid_is_stolen_from_its_log_odds(tumours: mex.Dataset) -> None:
    forest = RandomForestClassifier(5, max_depth=2, random_state=0)
    model = CalibratedClassifierCV(forest, method="sigmoid", ensemble=False).fit(tumours.X, tumours.y)
    stolen = steal(model, tumours.domain, "proba", checks=300)
    X = points(tumours.domain, tumours.X)
    assert stolen.note.startswith("exact")
    assert np.abs(stolen.hypothesis.predict_proba(X) - model.predict_proba(X)).max() < 1e-12


class Logistic(Hidden):
    """Values that are a logistic function of a sum."""

    def predict(self, X):
        return 1 / (1 + np.exp(-super().predict(X)))


def test_values_of_a_logistic_loss_are_stolen_from_their_log_odds() -> None:
    domain, model = mex.Domain([0] * 3, [1] * 3), Logistic()
    stolen = steal(model, domain, "value", family=mex.Family("boosted", {"objective": "reg:logistic"}))
    rows = domain.sample(4000, np.random.default_rng(0))
    assert "exact: a clone of 5 terms with 5 thresholds" in stolen.note
    assert np.abs(stolen.hypothesis.predict(rows) - model.predict(rows)).max() < 1e-12


def test_values_of_one_tree_that_are_whole_numbers_are_not_taken_for_rounded(diabetes: mex.Dataset) -> None:
    model = DecisionTreeRegressor(max_leaf_nodes=9, random_state=0).fit(diabetes.X, np.round(diabetes.y, -1))
    model.tree_.value[:] = np.round(model.tree_.value)
    stolen = steal(model, diabetes.domain, "value", checks=300)
    X = points(diabetes.domain, diabetes.X)
    assert stolen.note.startswith("exact")
    assert np.abs(stolen.hypothesis.predict(X) - model.predict(X)).max() < 1e-9


def test_answers_that_are_no_sum_of_trees_are_refused_before_any_row(diabetes: mex.Dataset) -> None:
    model = AdaBoostRegressor(n_estimators=5, random_state=0).fit(diabetes.X, diabetes.y)
    with pytest.raises(mex.Incompatible, match="no sum, nor log-odds of one"):
        steal(model, diabetes.domain, "value")


def test_a_step_that_shows_in_a_small_box_only_is_always_seen_from_the_anchor() -> None:
    """Random points met such boxes too seldom, and steps there were left as they were, not narrowed to the last bit."""
    axes, total = Axes(mex.Domain([0] * 6, [1] * 6)), BoxSum(6)
    step = total.step(5, 0.3, 0.4)
    ends = [[total.step(axis, t - 0.01, t) for t in (0.7, 0.75)] for axis in range(5)]
    for which in itertools.product((0, 1), repeat=5):
        crossed = tuple((ends[axis][k], 1) for axis, k in enumerate(which))
        total.add((-1.0) ** sum(which), 1e-20, ((step, 1), *crossed))
    grouping = Grouping(axes, total, Draws(axes, None, np.random.default_rng(0)))
    grouping.anchor = np.full(6, 0.1)
    for _ in range(5):
        (group,) = grouping.groups({step: list(total.terms)})
        assert group.steps == [step]
        assert np.ptp(total(group.corners())[0]) == 1


class Sparse(RegressorMixin, BaseEstimator):
    """A sum that parts 0 from all greater numbers, as trees of sparse data do."""

    def __init__(self) -> None:
        self.is_fitted_ = True

    def predict(self, X):
        return (X > 1e-35) @ np.pi ** np.arange(X.shape[1])


def test_values_of_sparse_data_are_not_taken_for_noise() -> None:
    stolen = steal(
        Sparse(), mex.Domain([0] * 3, [1] * 3), "value", family=mex.Family("boosted"), checks=60, pool=np.zeros((9, 3))
    )
    assert "exact: a clone of 4 terms with 3 thresholds" in stolen.note


class Batched(RegressorMixin, BaseEstimator):
    """Steps whose sum is rounded otherwise in each batch, as products of matrices are."""

    def __init__(self) -> None:
        self.n_features_in_ = 3
        self.asked = 0

    def predict(self, X):
        self.asked += 1
        sums = (
            100.1 + np.pi * (X[:, 0] > 0.3) + np.e * (X[:, 1] > 0.6) + np.sqrt(2) * ((X[:, 0] > 0.7) & (X[:, 2] > 0.2))
        )
        return sums * (1 + (self.asked % 3 - 1) * np.finfo(np.float64).eps)


def test_sums_that_are_rounded_otherwise_in_each_batch_are_not_taken_for_noise() -> None:
    stolen = steal(Batched(), mex.Domain([0] * 3, [1] * 3), "value", family=mex.Family("boosted"))
    assert stolen.note.startswith("exact")
    rows = np.random.default_rng(1).random((1000, 3))
    assert np.allclose(stolen.hypothesis.predict(rows), Batched().predict(rows), rtol=1e-12)


def test_a_budget_that_is_too_small_ends_as_the_surrogate_does(tumours: mex.Dataset) -> None:
    model = GradientBoostingClassifier(n_estimators=60, max_depth=4, random_state=0).fit(tumours.X, tumours.y)
    stolen = steal(model, tumours.domain, "proba", budget=300, pool=tumours.X[::2])
    assert stolen.queries >= 299
    assert "not exact" in stolen.note
    assert np.mean(stolen.hypothesis.predict(tumours.X[1::2]) == model.predict(tumours.X[1::2])) > 0.9


@pytest.mark.parametrize("budget", [200, 500])
def test_a_surrogate_that_cannot_follow_a_wild_target_is_handed_over_all_the_same(
    budget: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mex.toolkit.checking.candidates.TREES", 30)  # a small forest may be right more often by chance
    rng = np.random.default_rng(0)
    X, y = rng.random((300, 6)), rng.integers(2, size=300)
    model = GradientBoostingClassifier(n_estimators=60, max_depth=4, random_state=0).fit(X, y)
    stolen = steal(model, mex.Domain([0] * 6, [1] * 6), "proba", budget=budget, pool=X[::2], checks=300)
    assert isinstance(stolen.hypothesis, ProbabilityRegressor)
    assert "done" not in stolen.note
    assert stolen.queries == budget


def test_a_budget_that_does_not_hold_the_checks_is_the_surrogate_s_from_the_start(tumours: mex.Dataset) -> None:
    model = GradientBoostingClassifier(n_estimators=20, max_depth=2, random_state=0).fit(tumours.X, tumours.y)
    stolen = steal(model, tumours.domain, "proba", budget=200, pool=tumours.X[::2])
    assert "the 600 rows that check a clone are more than the 180 that the budget leaves" in stolen.note
    near = np.isin(stolen.transcript.X, tumours.X).all(axis=1)
    assert near[:20].any()  # no survey first
    assert stolen.queries == 200


def test_a_surrogate_learns_from_the_rows_of_a_search_where_that_helps_at_other_rows() -> None:
    rng = np.random.default_rng(0)
    near, far = rng.random((90, 1)), 10 + rng.random((90, 1))
    right, line = near[:, 0] ** 2, LinearRegression()
    assert with_search(line, (near, right), (far, -far[:, 0])) is None
    noisy = near[:60], right[:60] + 0.5 * rng.standard_normal(60)
    with_more, without = with_search(line, noisy, (near[::2], right[::2])), clone(line).fit(*noisy)
    assert np.abs(with_more.predict(near) - right).max() < np.abs(without.predict(near) - right).max()


def test_the_rest_of_a_budget_after_a_search_is_the_surrogate_s_alone() -> None:
    X = np.random.default_rng(0).random((400, 8))
    model = GradientBoostingClassifier(n_estimators=30, max_depth=5, random_state=0).fit(X, X[:, :3].sum(axis=1) > 1.5)
    stolen = mex.Oracle(mex.FittedTarget.wrap(model, domain=mex.Domain([0] * 8, [1] * 8)), budget=1600, answers="proba")
    attack = BoostedExact(checks=600, trees=5)
    learner = attack.learner(stolen.knowledge(pool=X[::2]), np.random.default_rng(0))
    told = mex.extract(stolen, learner, snapshots=False)
    own, (searched, _) = learner.inner._surrogate.X, learner.inner._searched
    assert f"after {len(searched) + 150} rows" in told.note
    assert {row.tobytes() for row in own[150:]}.isdisjoint(row.tobytes() for row in searched)
    assert len(own) > 2 * len(searched)


def test_a_clone_that_the_budget_does_not_let_be_checked_is_handed_over_and_not_called_exact(
    diabetes: mex.Dataset,
) -> None:
    model = GradientBoostingRegressor(n_estimators=40, max_depth=1, random_state=0).fit(diabetes.X, diabetes.y)
    stolen = steal(model, diabetes.domain, "value", budget=700, checks=600)
    assert stolen.note.startswith("not known to be exact")
    assert "right at the last" in stolen.note
    rows = points(diabetes.domain, diabetes.X)
    assert np.abs(stolen.hypothesis.predict(rows) - model.predict(rows)).max() < 1e-9


def test_numbers_that_sums_would_overflow_are_refused_with_a_sentence() -> None:
    oracle = mex.Oracle(
        mex.FittedTarget.wrap(Sparse(), domain=mex.Domain([1e31], [8e31]), family=mex.Family("boosted"))
    )
    with pytest.raises(mex.Incompatible, match=r"numbers up to 1.3e\+30, and feature 0 has greater ones"):
        BoostedExact().learner(oracle.knowledge(), np.random.default_rng(0))


def test_labels_alone_are_refused(tumours: mex.Dataset) -> None:
    model = GradientBoostingClassifier(n_estimators=3).fit(tumours.X, tumours.y)
    oracle = mex.Oracle(mex.FittedTarget.wrap(model, domain=tumours.domain), answers="label")
    with pytest.raises(mex.Incompatible, match="takes value or proba answers"):
        BoostedExact.scope.check("boosted-exact", oracle.knowledge())


def rounded_sum(rng):
    """A transcript of 400 rows of a sum of 30 steps, with answers and coefficients that are rounded."""
    told = Transcript(Axes(mex.Domain([0] * 3, [1] * 3)), Scores("value", np.ones(1)))
    for x in np.linspace(0.05, 0.95, 30, dtype=np.float32):
        step = told.total.step(0, float(x), float(np.nextafter(x, np.float32(1))))
        told.total.add(float(rng.standard_normal()), 1e-12, ((step, 1),))
    Z = rng.random((400, 3), dtype=np.float32).astype(np.float64)
    told.store.find(Z)
    scores = told.total(Z)[0]
    told.store.add(Z, scores + 1e-6 * rng.uniform(-1, 1, 400), np.full(400, 1e-6))
    told.total.coefficients[:] += 2e-6 * rng.uniform(-1, 1, 30)
    return told, Z


def test_coefficients_fitted_to_all_answers_leave_their_rounding_alone_and_no_more() -> None:
    told, Z = rounded_sum(np.random.default_rng(0))
    hidden = (Z[:, 1] > 0.9) & (Z[:, 0] > 0.5)
    told.store.score[hidden] += 1e-3
    numbers = np.arange(len(Z))
    before = np.abs(told.residuals(numbers)[0])
    told.refit()
    residuals, errors = told.residuals(numbers)
    assert before[~hidden].max() > 3e-6
    assert np.abs(residuals[~hidden]).max() < 1.5e-6
    assert errors.max() < 1e-5
    assert (np.abs(residuals[hidden]) > errors[hidden]).all()  # a node that is not found is not fitted away


def test_answers_too_coarse_to_tell_a_jump_from_none_end_a_search() -> None:
    told, Z = rounded_sum(np.random.default_rng(0))
    told.store.score[:] = told.total(Z)[0]
    told.store.score[::2] += 2e-5  # wrong, by less than tells a jump
    told.store.error[:] = 1e-5
    searches = Searches(told, Guesses(told.axes, None), np.random.default_rng(1))
    searches.sort(np.arange(len(Z)))
    assert searches.wrong
    to_the_end(searches.peel(), told)
    assert searches.wrong  # and it is said that something is left


def to_the_end(search, told):
    """Answer what a search asks as the sum of a transcript does now."""
    target, rows = copy.deepcopy(told.total), next(search, None)
    for _ in range(3000):
        if rows is None:
            return
        try:
            rows = search.send(target(told.axes.encode(rows))[0])
        except StopIteration:
            return
    raise AssertionError("it goes on")


def test_a_search_that_asks_the_same_rows_for_ever_is_given_up() -> None:
    told, Z = rounded_sum(np.random.default_rng(0))
    searches = Searches(told, Guesses(told.axes, None), np.random.default_rng(1))
    ended = []

    def endless():
        try:
            while True:
                yield Z[:1]
        finally:
            ended.append(True)

    search = endless()
    searches._live.append(Strand(Hunt(Z[0]), search, next(search), 0))
    to_the_end(searches.peel(), told)
    assert ended


def test_room_is_taken_for_the_terms_that_there_are() -> None:
    total = BoxSum(1)
    step = total.step(0, 0.4, 0.5)
    for _ in range(1500):
        total.add(1.0, 0.0, ((step, 1),))
    assert total.coefficients.base.nbytes < 4 * 1500 * 16
    assert total(np.array([[0.7]]))[0] == 1500


def test_many_points_of_many_terms_are_summed_in_parts(monkeypatch) -> None:
    """All points asked of a large ensemble, 250,000 of 12,000 terms, took 25 GB at once."""
    total, most, members, places = BoxSum(1), [], BoxSum.members, np.linspace(0.1, 0.9, 40)
    for x in places:
        total.add(1.0, 0.0, ((total.step(0, float(x) - 0.01, float(x)), 1),))
    monkeypatch.setattr("mex_boosted_exact.sums.ROOM", 1000)
    monkeypatch.setattr(BoxSum, "members", lambda self, Z: most.append(len(Z)) or members(self, Z))
    Z = np.random.default_rng(0).random((300, 1))
    assert np.array_equal(total(Z)[0], (places <= Z).sum(axis=1))
    assert max(most) * len(total) <= 1000


def test_a_path_halves_what_is_known_of_its_steps() -> None:
    total = BoxSum(2)
    often, seldom = total.step(0, 1.0, 2.0), total.step(0, 3.0, 4.0)
    for _ in range(9):
        total.add(1.0, 0.0, ((often, 1),))
    path = Path(total.thresholds, np.zeros(2), np.full(2, 5.0), np.array([0, 1]), 0.0)
    assert path.points.tolist() == [[2.0, 0.0], [4.0, 0.0], [5.0, 0.0], [5.0, 5.0]]
    assert path.axes.tolist() == [0, 0, 0, 1]
    assert path.steps == [often, seldom, None, None]
    assert path.middle(0, len(path)) == 1  # most changes are at the step of nine terms


def test_a_path_is_halved_where_steps_are_that_others_were_in_terms_with() -> None:
    total = BoxSum(2)
    seldom, *often = (total.step(0, below, below + 1.0) for below in (1.0, 3.0, 5.0))
    beside = total.step(1, 1.0, 2.0)
    for step in 4 * often:
        total.add(1.0, 0.0, ((step, 1),))
    total.add(1.0, 0.0, ((seldom, 1), (beside, 1)))
    assert total.thresholds.met([beside]).tolist() == [1.0, 0.0, 0.0, 1.0]
    assert total.thresholds.met([beside, often[0]]).tolist() == [1.0, 1.0, 0.0, 1.0]
    ends = total.thresholds, np.array([0.0, 3.0]), np.array([7.0, 3.0]), np.array([0])
    assert Path(*ends, 0.0).middle(0, 4) == 2
    assert Path(*ends, 0.0, [beside]).middle(0, 4) == 1


def test_steps_are_told_apart_beyond_the_room_for_them() -> None:
    total = BoxSum(2)
    steps = [total.step(k % 2, float(1000 - k), 1000.5 - k) for k in range(200)]  # each before those known
    total.add(1.0, 0.0, ((steps[1], 1), (steps[150], -1)))
    met = total.thresholds.met([steps[150]])
    assert [total.thresholds.steps[k] for k in np.flatnonzero(met)] == [steps[150], steps[1]]


def opposites(kind: str) -> tuple[Opposites, BoxSum]:
    oracle = mex.Oracle(mex.FittedTarget.wrap(Hidden(), domain=mex.Domain([0] * 3, [1] * 3)))
    scores = Scores.of(oracle.knowledge(), np.random.default_rng(0))
    scores.link = kind
    told = Transcript(Axes(oracle.knowledge().domain), scores)
    return Opposites(told), told.total


def test_the_largest_term_around_a_point_is_found_of_which_the_opposite_is_left() -> None:
    known, total = opposites("value")
    a, b, c = (total.step(axis, 0.4, 0.5) for axis in range(3))
    total.add(2.0, 0.0, ())
    for conditions in (((a, 1),), ((a, 1), (b, -1)), ((a, 1), (b, -1), (c, 1))):
        total.add(2.0, 0.0, conditions)
    z = np.array([0.7, 0.2, 0.2])
    assert known.around(z, -2.0, 1e-12) == ((a, 1), (b, -1))
    assert known.around(z, 2.0, 1e-12) == ()
    assert known.around(z, -2.0 + 1e-9, 1e-12) == ()
    assert known.around(np.array([0.2, 0.2, 0.2]), -2.0, 1e-12) == ()


@pytest.mark.parametrize(("kind", "unsure"), [("value", [1]), ("logit", [1]), ("mean", [0, 1, 2])])
def test_of_a_term_with_one_step_more_than_its_opposite_only_that_step_is_unsure(kind: str, unsure: list[int]) -> None:
    known, total = opposites(kind)
    a, b, c = (total.step(axis, 0.4, 0.5) for axis in range(3))
    total.add(2.0, 0.0, ((a, 1), (c, -1)))
    farther = total.step(0, 0.8, 0.9)
    assert known.unsure({0: farther, 2: c}, -2.0, 1e-12) == ([0] if kind != "mean" else [0, 2])
    crossed = {0: a, 1: b, 2: c}
    assert known.unsure(crossed, -2.0, 1e-12) == unsure
    assert known.unsure(crossed, 2.0, 1e-12) == [0, 1, 2]
    assert known.unsure({0: a, 1: b}, -2.0, 1e-12) == [0, 1]  # the term has a step that is not crossed
    assert known.unsure({0: a, 2: c}, -2.0, 1e-12) == [0, 2]


def test_terms_that_a_tree_has_on_one_side_of_a_node_take_few_rows(diabetes: mex.Dataset) -> None:
    model = GradientBoostingRegressor(n_estimators=12, max_depth=4, random_state=0).fit(diabetes.X, diabetes.y)
    stolen = steal(model, diabetes.domain, "value", checks=300)
    assert "exact: a clone of 291 terms with 94 thresholds" in stolen.note
    assert stolen.queries < 6200  # some 6,550 if each is searched for by itself


def test_a_set_of_steps_is_a_likely_term_once_three_of_its_subsets_are_terms() -> None:
    total, likely = BoxSum(3), Likely()
    a, b, c = (total.step(axis, 0.0, 1.0) for axis in range(3))
    assert [likely.learn(term) for term in (((a, 1), (b, 1)), ((a, 1), (c, -1)))] == [[], []]
    assert likely.learn(((b, 1), (c, -1))) == [[a, b, c]]
    assert likely.learn(((b, 1), (c, -1))) == []


def test_a_term_whose_threshold_is_next_to_that_of_its_step_is_seen_at_a_row_that_confirms() -> None:
    domain = mex.Domain([0, 0, 0], [1, 1, 1])
    axes, rng, total = Axes(domain), np.random.default_rng(0), BoxSum(3)
    t = np.float32(0.3)
    steps = [total.step(axis, float(np.nextafter(t, np.float32(0))), float(t)) for axis in range(3)]
    total.add(1.0, 0.0, ((steps[0], 1), (steps[1], -1)))
    total.add(2.0, 0.0, ((steps[0], 1), (steps[2], 1)))
    confirmation = Confirmation(axes, total, Draws(axes, None, rng))
    rows = confirmation.rows(np.empty((0, 3)))
    beside = (rows[:, 0] > t) & (rows[:, 2] >= t)  # the second term begins at the next number
    assert (np.abs(total(rows)[0] - (rows[:, 0] >= t) * (rows[:, 1] < t) - 2.0 * beside) > 0.5).any()
    assert len(confirmation.rows(rows)) == 0


def test_rows_and_points_are_the_same() -> None:
    domain = mex.Domain(
        [0.1, -3, 0, 0, 0], [0.9, 5, 1, 1, 1], integer=[0, 1, 0, 0, 0], groups=[(2, 3, 4)], incomplete=True
    )
    axes = Axes(domain)
    Z = axes.uniform(200, np.random.default_rng(0))
    assert np.isinf(Z).any()
    X = axes.decode(Z)
    assert domain.objection(X) is None
    assert np.array_equal(axes.encode(X), Z)


def test_a_stolen_ensemble_is_saved_and_read_again(tmp_path, diabetes: mex.Dataset) -> None:
    model = GradientBoostingRegressor(n_estimators=3, max_depth=2, random_state=0).fit(diabetes.X, diabetes.y)
    stolen = steal(model, diabetes.domain, "value", checks=60).hypothesis
    skops.io.dump(stolen, tmp_path / "stolen")
    trusted = skops.io.get_untrusted_types(file=tmp_path / "stolen")
    again = skops.io.load(tmp_path / "stolen", trusted=trusted)
    assert np.array_equal(again.predict(diabetes.X), stolen.predict(diabetes.X))
    assert again.thresholds_ == stolen.thresholds_


def test_a_row_in_the_box_of_each_term_of_many_steps_is_asked_before_the_end(
    diabetes: mex.Dataset, monkeypatch
) -> None:
    swept, in_boxes = [], Draws.in_boxes

    def noted(self, terms, total):
        Z = in_boxes(self, terms, total)
        assert all(
            (z[step.axis] >= step.above) == (side > 0) for z, t in zip(Z, terms, strict=True) for step, side in t
        )
        swept.extend(terms)
        return Z

    monkeypatch.setattr(Draws, "in_boxes", noted)
    model = GradientBoostingRegressor(n_estimators=5, max_depth=4, random_state=0).fit(diabetes.X, diabetes.y)
    stolen = steal(model, diabetes.domain, "value", checks=300)
    conditions = stolen.hypothesis.conditions[:, 0].astype(int)
    assert 0 < len(swept) == len(set(swept)) == (np.bincount(conditions) > 3).sum()


def test_points_near_the_data_lie_between_its_values_too() -> None:
    """Two thresholds between neighbouring values of the data part no row of it, and part rows like it."""
    X = load_breast_cancer().data
    axes = Axes(mex.Domain.of(X))
    Z = Draws(axes, X[::4], np.random.default_rng(0)).near(20_000)
    assert (axes.lower <= Z).all()
    assert (axes.upper >= Z).all()
    for axis in (0, 4):
        values = np.unique(axes.encode(X[::4])[:, axis])
        beside = ~np.isin(Z[:, axis], values)
        met = np.bincount(np.searchsorted(values, Z[beside, axis]), minlength=len(values) + 1)
        assert 0.4 < beside.mean() < 0.6
        assert (met > 0).mean() > 0.98
    whole = Axes(mex.Domain([0, 0], [9, 1], integer=[True, True]))
    Z = Draws(whole, np.array([[2.0, 0.0], [6.0, 1.0]]), np.random.default_rng(0)).near(1000)
    assert set(np.unique(Z[:, 0])) >= {2.0, 3.0, 4.0, 5.0, 6.0}
    assert (np.round(Z) == Z).all()
