"""A domain draws, clips and accepts the same rows, whatever its features are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

import mex
from mex import Domain
from mex.toolkit.active.samplers import SAMPLERS, between_rows, sampler

finite = st.floats(-1e6, 1e6).map(lambda x: round(x, 3))


@st.composite
def domains(draw: st.DrawFn, unbounded: bool = True) -> Domain:
    """Continuous, integer and one-hot features in any order, bounded, half bounded or not at all."""
    units = draw(st.permutations(draw(st.lists(st.sampled_from(["real", "whole", "group"]), min_size=1, max_size=6))))
    lower: list[float] = []
    upper: list[float] = []
    integer: list[bool] = []
    groups: list[range] = []
    for unit in units:
        width = draw(st.integers(1, 4)) if unit == "group" else 1
        if unit == "group":
            groups.append(range(len(lower), len(lower) + width))
            lower += [0.0] * width
            upper += [1.0] * width
        else:
            low, high = sorted([draw(finite), draw(finite)])
            if unit == "whole":
                low, high = np.floor(low), np.ceil(high)
            kind = draw(st.sampled_from(["both", "both", "low", "high", "none"])) if unbounded else "both"
            lower.append(low if kind in ("both", "low") else -np.inf)
            upper.append(high if kind in ("both", "high") else np.inf)
        integer += [unit == "whole"] * width
    return Domain(lower, upper, integer=integer, groups=groups)


seeds = st.integers(0, 2**32 - 1)


@given(domain=domains(), seed=seeds)
def test_what_a_domain_draws_it_accepts(domain: Domain, seed: int) -> None:
    X = domain.sample(50, np.random.default_rng(seed))
    assert X.shape == (50, domain.n_features)
    assert domain.objection(X) is None
    assert np.isfinite(X).all()


@given(domain=domains(), seed=seeds, scale=st.sampled_from([1e-3, 1.0, 1e7]))
def test_what_a_domain_clips_it_accepts_and_leaves_alone_from_then_on(domain: Domain, seed: int, scale: float) -> None:
    X = scale * np.random.default_rng(seed).standard_normal((20, domain.n_features))
    before = X.copy()
    clipped = domain.clip(X)
    assert domain.objection(clipped) is None
    assert np.array_equal(domain.clip(clipped), clipped)
    assert np.array_equal(X, before), "the rows handed in are not changed"


@given(domain=domains(), seed=seeds)
def test_clipping_keeps_what_is_inside(domain: Domain, seed: int) -> None:
    X = domain.sample(20, np.random.default_rng(seed))
    assert np.array_equal(domain.clip(X), X)


@pytest.mark.parametrize("kind", SAMPLERS)
@pytest.mark.parametrize("family", ["linear", "tree"])
@settings(max_examples=30)
@given(domain=domains(), seed=seeds, n=st.integers(1, 40))
def test_what_a_sampler_draws_an_interface_accepts(kind: str, family: str, domain: Domain, seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    known = mex.Knowledge(
        domain=domain, classes=np.arange(2), answers="label", family=mex.Family(family), pool=domain.sample(7, rng)
    )
    X = sampler(kind).draw(known, n, rng)
    assert X.shape == (n, domain.n_features)
    assert domain.objection(X) is None


def test_integers_are_drawn_with_equal_shares_up_to_both_bounds() -> None:
    X = Domain([0], [4], integer=[True]).sample(20_000, np.random.default_rng(0))
    values, counts = np.unique(X, return_counts=True)
    assert values.tolist() == [0, 1, 2, 3, 4]
    assert np.abs(counts / 20_000 - 0.2).max() < 0.015  # more than 5 standard errors


def test_categories_are_drawn_with_equal_shares() -> None:
    X = Domain([0] * 5, [1] * 5, groups=[(0, 2), (1, 3, 4)]).sample(20_000, np.random.default_rng(0))
    assert np.abs(X.mean(axis=0) - [1 / 2, 1 / 3, 1 / 2, 1 / 3, 1 / 3]).max() < 0.02


def test_continuous_features_are_drawn_uniformly_and_unbounded_ones_in_standard_units() -> None:
    X = Domain([-3, -np.inf], [5, np.inf]).sample(20_000, np.random.default_rng(0))
    assert np.allclose(np.quantile(X[:, 0], [0.25, 0.5, 0.75]), [-1, 1, 3], atol=0.2)
    assert np.allclose([X[:, 1].mean(), X[:, 1].std()], [0, 1], atol=0.03)


def test_rounding_past_a_bound_is_forgiven_and_no_more() -> None:
    domain = Domain([0.0], [1.0])
    assert domain.objection(np.array([[1 + 1e-12], [-1e-12]])) is None
    assert domain.objection(np.array([[1 + 1e-6]])) is not None


def test_an_objection_names_the_row_the_feature_and_what_is_allowed() -> None:
    domain = Domain([0, 0], [9, 3], integer=[False, True], names=["age", "rooms"])
    assert domain.objection(np.array([[1.0, 1.0], [11, 2]])) == "row 1: 'age' is 11, outside 0 to 9"
    assert domain.objection(np.array([[1.0, 1.5]])) == "row 0: 'rooms' takes whole numbers, not 1.5"


def test_an_incomplete_row_leaves_out_whole_features_where_the_domain_takes_such_rows() -> None:
    domain = Domain([0, 0, 0, 0], [9, 1, 1, 1], integer=[True, False, False, False], groups=[(1, 2)], incomplete=True)
    nan = np.nan
    assert domain.objection(np.array([[nan] * 4, [3, nan, nan, 0.5], [nan, 0, 1, nan], [3, 1, 0, 0.5]])) is None
    assert domain.objection(np.array([[3.5, nan, nan, nan]])) == "row 0: feature 0 takes whole numbers, not 3.5"
    assert "exactly one of" in str(domain.objection(np.array([[nan, nan, 1, nan]])))
    assert "inf, not a finite number" in str(domain.objection(np.array([[nan, nan, nan, np.inf]])))
    complete_only = attrs.evolve(domain, incomplete=False)
    assert complete_only.objection(np.array([[nan, 0, 1, 0.5]])) == "row 0: feature 0 is nan, not a finite number"


def test_a_wide_group_is_named_in_short() -> None:
    domain = Domain([0] * 5, [1] * 5, groups=[range(5)])
    objection = "row 0: exactly one of feature 0, feature 1, feature 2 … (5 columns) must be 1 and the others 0"
    assert domain.objection(np.zeros((1, 5))) == objection


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: Domain([0, 0], [1]), "vectors of one length"),
        (lambda: Domain([[0, 0]], [[1, 1]]), "vectors of one length"),
        (lambda: Domain([0], [1], integer=[True, False]), "vectors of one length"),
        (lambda: Domain([0, 2], [1, 1]), "feature 1 of the domain has lower bound 2.0 and upper 1.0"),
        (lambda: Domain([0, np.nan], [1, 1]), "feature 1 of the domain has lower bound nan"),
        (lambda: Domain([0], [1], names=["a", "b"]), "1 features was given 2 names"),
        (lambda: Domain([0.5], [3], integer=[True]), "integer features must be whole numbers"),
        (lambda: Domain([0] * 3, [1] * 3, groups=[(0, 1), (1, 2)]), "different columns, 0 to 2"),
        (lambda: Domain([0] * 3, [1] * 3, groups=[(0, 3)]), "different columns, 0 to 2"),
    ],
)
def test_a_domain_that_contradicts_itself_is_refused(build: Callable[[], Domain], sentence: str) -> None:
    with pytest.raises(mex.UsageError, match=sentence):
        build()


def test_the_domain_of_rows_is_their_box_with_whole_columns_as_integers() -> None:
    domain = Domain.of(np.array([[1.0, 0.5], [3.0, 2.0]]))
    assert domain.lower.tolist() == [1, 0.5]
    assert domain.upper.tolist() == [3, 2]
    assert domain.integer.tolist() == [True, False]


def test_the_middle_and_half_width_map_the_box_to_the_unit_cube() -> None:
    domain = Domain([2, 0, -np.inf, 7], [6, np.inf, np.inf, 7])
    assert domain.middle.tolist() == [4, 1, 0, 7]
    assert domain.half_width.tolist() == [2, 1, 1, 1]
    assert (domain.bounded, Domain([0], [1]).bounded) == (False, True)


def test_units_are_groups_and_single_columns() -> None:
    domain = Domain([0] * 4, [1] * 4, groups=[(1, 3)])
    assert sorted(domain.units()) == [(0,), (1, 3), (2,)]
    assert (domain.discrete.any(), Domain.reals(2).discrete.any()) == (True, False)


@given(domain=domains(unbounded=False), seed=seeds)
def test_a_crossover_takes_every_feature_from_one_of_two_rows(domain: Domain, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = domain.sample(2, rng)
    X = between_rows(rows, domain, 30, rng, crossover=True)
    assert all(np.isin(X[:, i], rows[:, i]).all() for i in range(domain.n_features))


def test_between_rows_are_convex_combinations_with_one_weight_per_point() -> None:
    rows = np.array([[0.0, 0.0], [1.0, 2.0]])
    X = between_rows(rows, Domain.of(rows + 0.5), 500, np.random.default_rng(0))
    assert np.allclose(X[:, 1], 2 * X[:, 0])
    assert len(np.unique(X)) > 100


def test_the_pool_is_drawn_once_over_before_any_row_comes_again() -> None:
    pool = np.arange(10.0)[:, None]
    known = mex.Knowledge(domain=Domain([0], [9]), classes=None, answers="value", family=mex.Family("any"), pool=pool)
    X = sampler("pool").draw(known, 25, np.random.default_rng(0))[:, 0]
    assert sorted(X[:10]) == sorted(X[10:20]) == list(range(10))
    assert len(set(X[20:])) == 5
    assert X[:10].tolist() != sorted(X[:10]), "in random order"


def test_mixed_takes_turns_between_near_and_uniform() -> None:
    known = mex.Knowledge(
        domain=Domain([0], [1]), classes=None, answers="value", family=mex.Family("any"), pool=np.full((3, 1), 0.25)
    )
    X = sampler("mixed").draw(known, 9, np.random.default_rng(0))[:, 0]
    assert (X[::2] == 0.25).all()
    assert (X[1::2] != 0.25).all()


@pytest.mark.parametrize("kind", ["pool", "near", "mixed"])
@pytest.mark.parametrize("pool", [None, np.empty((0, 2))])
def test_a_sampler_of_the_pool_needs_one(kind: str, pool: np.ndarray | None) -> None:
    known = mex.Knowledge(domain=Domain.reals(2), classes=None, answers="value", family=mex.Family("any"), pool=pool)
    with pytest.raises(mex.Incompatible, match="draws from the pool, and this scenario grants none"):
        sampler(kind).draw(known, 3, np.random.default_rng(0))


def test_an_unknown_sampler_is_named_with_the_nearest() -> None:
    with pytest.raises(mex.UsageError, match="no sampler named 'unifrom'; did you mean 'uniform'"):
        sampler("unifrom")


def test_rows_are_drawn_from_the_one_bound_inwards() -> None:
    domain = Domain([2, -np.inf, 3], [np.inf, 5, np.inf], integer=[False, False, True])
    X = domain.sample(4000, np.random.default_rng(0))
    assert domain.objection(X) is None
    assert [float(np.mean(X[:, i] == bound)) for i, bound in ((0, 2), (1, 5))] == [0, 0]  # no wall is heaped upon
    assert np.abs(np.median(X, axis=0) - [2.674, 4.326, 3]).max() < 0.05
    assert domain.middle.tolist() == [3, 4, 4]


@given(domain=domains(), seed=st.integers(0, 99), incomplete=st.booleans())
def test_the_quick_check_accepts_what_no_rule_objects_to(domain: Domain, seed: int, incomplete: bool) -> None:
    domain, rng = attrs.evolve(domain, incomplete=incomplete), np.random.default_rng(seed)
    rows = [domain.sample(1, rng)]
    for strange in (np.nan, np.inf, -np.inf, 0.5, 2.0, 1e9):
        row = domain.sample(1, rng)
        row[0, rng.integers(domain.n_features)] = strange
        rows.append(row)
    nudged = domain.sample(1, rng)
    nudged += 0.5e-9 * domain.half_width  # within the tolerance, where a number is not whole
    for X in [*rows, nudged, np.concatenate(rows), np.concatenate([rows[0], rows[0]])]:
        objection = domain.objection(X)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Domain, "_accepts", lambda self, X: False)
            assert domain.objection(X) == objection
        assert domain._accepts(X) == (objection is None) or (incomplete and np.isnan(X).any())


@pytest.mark.parametrize("name", ["lower", "upper", "integer", "middle", "half_width", "discrete"])
def test_the_arrays_of_a_domain_are_its_own_and_read_only(name: str) -> None:
    lower = np.zeros(3)
    domain = Domain(lower, np.ones(3), groups=[(1, 2)])
    lower[:] = -5
    assert domain.lower.tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match="read-only"):
        getattr(domain, name)[0] = 7


@pytest.mark.parametrize("hold", [np.ndarray.tolist, np.float32, scipy.sparse.csr_array, pd.DataFrame])
def test_the_rows_that_a_domain_spans_may_be_held_by_anything(hold: Any) -> None:
    domain = mex.Domain.of(hold(np.array([[0.5, 3.0], [2.5, 0.0]])))
    assert (domain.lower.tolist(), domain.upper.tolist()) == ([0.5, 0.0], [2.5, 3.0])
    assert domain.integer.tolist() == [False, True]
