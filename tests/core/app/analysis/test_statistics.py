"""Medians with intervals, queries to an agreement, and what a defense multiplies them by."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from records import points
from scipy.stats import binom, bootstrap

from mex.app.analysis.statistics import RESAMPLES, Estimate, bands, best_attack_ratio, coverage, median, queries_to


@pytest.mark.parametrize("n", [6, 9, 31])
def test_an_interval_covers_the_median_in_95_of_100_cases_or_more(n: int) -> None:
    values = np.random.default_rng(0).standard_cauchy((n, 4000))
    low, _, high = bands(values)
    assert 0.94 < np.mean((low <= 0) & (high >= 0)) < 0.985


def test_the_range_of_few_seeds_covers_the_median_as_often_as_is_said() -> None:
    values = np.random.default_rng(0).exponential(size=(3, 4000))
    low, _, high = bands(values)
    assert np.mean((low <= math.log(2)) & (high >= math.log(2))) == pytest.approx(0.75, abs=0.02)
    assert "75 %" in coverage(3)
    assert [coverage(n)[:4] for n in (5, 6)] == ["the ", "95 %"]


@pytest.mark.parametrize("n", range(1, 12))
def test_the_ends_are_those_of_the_binomial_distribution(n: int) -> None:
    low, _, high = bands(np.arange(1.0, n + 1)[:, None])[:, 0]
    most = max([k for k in range(1, n + 1) if binom.cdf(k - 1, n, 0.5) <= 0.025], default=1)
    assert (low, high) == (most, n + 1 - most)


def test_seeds_that_never_got_there_count() -> None:
    got = median([100, 120, math.inf], fewer=True)
    assert got == Estimate(120, 100, math.inf)
    never = median([100, math.inf, math.inf], fewer=True)
    assert never is not None
    assert not never.finite


@given(st.lists(st.sampled_from([0.5, 0.9, 0.98, 0.99, 1.0]), min_size=1, max_size=8))
def test_the_median_agrees_to_a_level_exactly_where_the_median_queries_to_it_are_finite(last: list[float]) -> None:
    agreement = median(list(last))
    queries = median([50.0 if agreement >= 0.99 else math.inf for agreement in last], fewer=True)
    assert agreement is not None
    assert queries is not None
    assert (agreement.value >= 0.99) == queries.finite == (2 * sum(a >= 0.99 for a in last) >= len(last))
    assert agreement.low <= agreement.value <= agreement.high <= 1


def test_one_seed_has_no_interval_and_the_same_values_none_either() -> None:
    for values in ([7.0], [7.0] * 5):
        assert median(values) == Estimate(7, 7, 7)
    assert median([]) is None
    assert median([None, math.nan]) is None


def test_the_level_has_to_be_held() -> None:
    assert queries_to(points((8, 0.99), (16, 0.5), (32, 0.9), (64, 0.9)), 0.9) == 32
    assert queries_to(points((8, 0.99), (16, 0.5)), 0.9) == math.inf
    assert queries_to(points((8, 0.95)), 0.9) == 8
    assert queries_to([], 0.9) == math.inf


def test_between_two_points_queries_are_interpolated_geometrically() -> None:
    assert queries_to(points((10, 0.0), (1000, 1.0)), 0.5) == pytest.approx(100)


def test_a_defense_is_worth_what_its_best_attacker_pays() -> None:
    bare = [[100, 100, 100], [500, 500, 500]]
    defended = [[math.inf] * 3, [700, 600, 800]]
    got = best_attack_ratio(defended, bare)
    assert got is not None
    assert got.value == 7
    assert 6 <= got.low <= got.value <= got.high <= 8


def test_no_attacker_gets_there_any_more_or_none_ever_did() -> None:
    never = best_attack_ratio([[math.inf, math.inf]], [[100, 100]])
    assert never is not None
    assert not never.finite
    assert best_attack_ratio([[100]], [[math.inf]]) is None
    assert best_attack_ratio([], [[100]]) is None


def test_a_seed_that_did_not_run_says_nothing() -> None:
    missing = best_attack_ratio([[300, math.nan], [math.nan, math.nan]], [[100, 100]])
    assert missing is not None
    assert missing.value == 3
    assert best_attack_ratio([[math.nan]], [[100]]) == best_attack_ratio([[math.inf]], [[100]])


def test_the_interval_of_a_multiplier_is_the_percentile_bootstrap_of_scipy() -> None:
    defended, bare = np.random.default_rng(1).lognormal(size=(2, 9))
    theirs = bootstrap(
        (defended, bare),
        lambda d, b, axis: np.sort(d, axis=axis).take(4, axis=axis) / np.sort(b, axis=axis).take(4, axis=axis),
        paired=True,
        vectorized=True,
        method="percentile",
        n_resamples=RESAMPLES,
        rng=np.random.default_rng(0),
    ).confidence_interval
    ours = best_attack_ratio([defended.tolist()], [bare.tolist()])
    assert ours is not None
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs), rel=0.1)
