"""Medians with intervals, queries to an agreement, and what a defense multiplies them by."""

from __future__ import annotations

import math

import numpy as np
import pytest
from records import points
from scipy.stats import bootstrap

from mex.app.analysis.statistics import RESAMPLES, bands, best_attack_ratio, median, queries_to


def test_an_interval_covers_the_median_it_is_of() -> None:
    rng = np.random.default_rng(0)
    covered = [e.low <= 0 <= e.high for e in (median(list(rng.standard_normal(31))) for _ in range(200)) if e]
    assert 0.88 < np.mean(covered) < 0.99


def test_seeds_that_never_got_there_count() -> None:
    got = median([100, 120, math.inf])
    assert got is not None
    assert (got.value, got.low, got.high) == (120, 100, math.inf)
    never = median([100, math.inf, math.inf])
    assert never is not None
    assert not never.finite


def test_one_seed_has_no_interval_and_the_same_values_none_either() -> None:
    for values in ([7.0], [7.0] * 5):
        got = median(values)
        assert got is not None
        assert (got.value, got.low, got.high) == (7, 7, 7)
    assert median([]) is None


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


def test_the_interval_is_the_percentile_bootstrap_of_scipy() -> None:
    values = np.random.default_rng(1).standard_normal(9)
    theirs = bootstrap(
        (values,),
        lambda drawn, axis: np.sort(drawn, axis=axis).take(4, axis=axis),
        method="percentile",
        n_resamples=RESAMPLES,
        rng=np.random.default_rng(0),
    ).confidence_interval
    ours = median(list(values))
    assert ours is not None
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs))
    assert bands(values[:, None])[:, 0] == pytest.approx([ours.low, ours.value, ours.high])
