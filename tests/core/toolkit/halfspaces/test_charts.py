"""Charts: a learner of homogeneous directions attacks affine targets in boxes with integers and categories."""

from __future__ import annotations

import numpy as np
import pytest
from toys import RatioBisection as Ratios
from toys import built

import mex
from mex.toolkit.halfspaces.adapter import HalfspaceLearner
from mex.toolkit.halfspaces.bisection import Bisection
from mex.toolkit.halfspaces.boundary import is_positive
from mex.toolkit.halfspaces.charts import CentredChart, ProjectiveChart
from mex.toolkit.metrics import geometric_error


def target(w, b: float, domain: mex.Domain, intercept: bool = True) -> mex.FittedTarget:
    family = mex.Family("linear", {"intercept": intercept})
    return mex.FittedTarget(mex.halfspace(np.array(w), b), domain, family, np.array([-1, 1]), ("label",))


def steal(
    fitted: mex.FittedTarget, *, seed: int = 0, budget: int = 20_000, pool=None, eps: float = 1e-8
) -> mex.Extraction:
    oracle = mex.Oracle(fitted, budget=budget)
    learner = HalfspaceLearner(oracle.knowledge(pool=pool), np.random.default_rng(seed), Ratios, eps=eps)
    return mex.extract(oracle, learner, snapshots=False)


def error(fitted: mex.FittedTarget, stolen: mex.Extraction) -> float:
    found = geometric_error(stolen.hypothesis, fitted.estimator, fitted.domain)
    assert found is not None
    return found


@pytest.mark.parametrize("seed", range(5))
def test_a_homogeneous_halfspace_is_asked_directly(seed: int) -> None:
    w = np.random.default_rng(seed).standard_normal(6)
    fitted = target(w, 0.0, mex.Domain.reals(6), intercept=False)
    assert error(fitted, steal(fitted)) < 1e-7


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("b", [-3.0, 0.0, 0.2])
def test_an_intercept_is_one_more_weight_on_an_unbounded_domain(seed: int, b: float) -> None:
    w = np.random.default_rng(seed).standard_normal(4)
    fitted = target(w, b, mex.Domain.reals(4))
    assert error(fitted, steal(fitted)) < 1e-6


@pytest.mark.parametrize("seed", range(8))
def test_a_box_is_attacked_from_a_boundary_point_whatever_its_units(seed: int) -> None:
    rng = np.random.default_rng(seed)
    domain = mex.Domain([0, -5, 1e3, 0], [1, 5, 1e6, 1e-4])
    w = rng.standard_normal(4) / domain.half_width
    fitted = target(w, -w @ (domain.middle + rng.uniform(-0.6, 0.6, 4) * domain.half_width), domain)
    stolen = steal(fitted, seed=seed)
    assert error(fitted, stolen) < 1e-5
    assert fitted.domain.objection(stolen.transcript.X) is None


def test_a_constant_feature_of_a_box_is_left_alone() -> None:
    domain = mex.Domain([0, 2, 0], [1, 2, 1])
    fitted = target([1.0, 9.0, -2.0], -17.8, domain)
    assert error(fitted, steal(fitted)) < 1e-6


def test_one_feature_is_a_threshold() -> None:
    fitted = target([-3.0], 1.0, mex.Domain([0], [1]))
    stolen = steal(fitted)
    assert stolen.hypothesis.predict([[0.33], [0.34]]).tolist() == [1, -1]


@pytest.mark.parametrize("seed", range(6))
def test_categories_and_integers_are_measured_against_a_continuous_feature(seed: int) -> None:
    rng = np.random.default_rng(seed)
    domain = mex.Domain(
        [0, 0, 0, 0, 0, 0, 0], [1, 1, 10, 1, 1, 1, 1], integer=[0, 0, 1, 0, 0, 0, 0], groups=[(3, 4), (5, 6)]
    )
    w = np.array([*rng.uniform(2, 4, 2), *rng.uniform(-0.2, 0.2, 1), *rng.uniform(-1, 1, 4)])
    fitted = target(w, -float(w[:2].sum() / 2), domain)
    stolen = steal(fitted, seed=seed, eps=1e-6)
    assert error(fitted, stolen) < 1e-5
    assert domain.objection(stolen.transcript.X) is None


def test_a_category_beyond_the_range_of_the_continuous_feature_is_measured_with_compensation() -> None:
    domain = mex.Domain(np.zeros(7), np.ones(7), groups=[(1, 2), (3, 4), (5, 6)])
    w = np.array([1.0, 0.0, 0.7, 0.0, -0.3, 0.0, -0.35])  # 0.7 is beyond what the first feature makes up for
    fitted = target(w, -0.3, domain)
    pool = np.array([[0.2, 1, 0, 1, 0, 1, 0]])
    stolen = steal(fitted, pool=pool, eps=1e-6)
    X = domain.sample(2000, np.random.default_rng(2))
    assert (stolen.hypothesis.predict(X) == fitted.answer(X, "label")).all()


def test_an_interface_of_categories_alone_is_refused_with_a_reason() -> None:
    domain = mex.Domain(np.zeros(4), np.ones(4), groups=[(0, 1), (2, 3)])
    known = mex.Oracle(target(np.ones(4), 0.0, domain)).knowledge()
    with pytest.raises(mex.Incompatible, match="category"):
        HalfspaceLearner(known, np.random.default_rng(0), Ratios)


def test_a_target_of_one_class_ends_with_its_budget_and_that_class() -> None:
    fitted = target([1.0, 1.0], 5.0, mex.Domain([0, 0], [1, 1]))
    stolen = steal(fitted, budget=50)
    assert (stolen.queries, stolen.stopped) == (50, "budget")
    assert stolen.hypothesis.predict([[0.0, 0.0]]).tolist() == [1]


def test_fine_features_that_never_matter_end_the_search_with_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mex.toolkit.halfspaces.boundary.PATIENCE", 60)
    domain = mex.Domain([0, 0, 0], [1, 1, 1], groups=[(1, 2)])
    fitted = target([0.0, 1.0, -1.0], 0.0, domain)  # the category decides alone
    stolen = steal(fitted)
    assert stolen.stopped == "done"
    assert 60 <= stolen.queries <= 160  # five walks from one category to the other are tried as well
    assert "none changed the label" in stolen.note


def test_rows_of_a_centred_chart_reach_the_wall_in_their_direction() -> None:
    chart = CentredChart(mex.Domain([0, 0], [1, 4]), np.array([0.5, 1.0]), np.array([True, True]))
    assert chart.rows(np.array([[1.0, 0.0], [0.0, -1.0], [-2.0, 0.0]])).tolist() == [[1, 1], [0.5, 0], [0, 1]]


def test_a_projective_chart_mirrors_directions_that_point_back() -> None:
    chart, V = ProjectiveChart(2), np.array([[1.0, 2.0], [1.0, -2.0], [-1.0, 0.0]])
    w, b = 3.0, -1.0
    positive = chart.rows(V)[:, 0] * w + b > 0
    assert chart.signs(V, positive).tolist() == np.sign(V @ [w, b]).tolist()


@pytest.mark.parametrize("rho", [0.0, 0.1, 0.3])
def test_bisection_finds_a_threshold_under_noise_and_knows_how_sure_it_is(rho: float) -> None:
    rng = np.random.default_rng(4)
    hits, questions = 0, []
    for truth in rng.uniform(-1, 1, 60):
        search, n = Bisection(-1.0, 1.0, rho, scale=0.5), 0
        while search.width(0.95) > 1e-4:
            x = search.median()
            search.tell(x, below=bool((x < truth) != (rng.random() < rho)))
            n += 1
        questions.append(n)
        hits += abs(search.median() - truth) <= 1e-4
    assert hits >= 51  # 57 expected; five standard deviations below would be 48
    assert np.mean(questions) < {0.0: 20, 0.1: 45, 0.3: 190}[rho]


def test_a_verdict_outvotes_sticky_noise_by_asking_around() -> None:
    domain = mex.Domain([0, 0], [1, 1])
    fitted = target([1.0, 0.0], -0.5, domain)
    noisy = built("defense", "bounded-noise:rho=0.3,sticky=true")
    wrong = 0
    for seed in range(40):
        oracle = mex.Oracle(noisy.protect(fitted, None, np.random.default_rng(seed)))
        search = is_positive(np.array([0.8, 0.5]), oracle.knowledge(), np.random.default_rng(seed))
        rows = next(search)
        try:
            while True:
                rows = search.send(oracle.ask(rows) == 1)
        except StopIteration as end:
            wrong += not end.value
    assert wrong == 0
