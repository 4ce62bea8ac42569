"""The numbers that a float32 model tells apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mex
from mex.toolkit.trees.grid import Grid


@given(st.floats(-1e3, 1e3, width=32), st.floats(-1e3, 1e3, width=32), st.booleans())
def test_halving_ends_at_neighbours_around_the_number_sought(a: float, b: float, bounded: bool) -> None:
    grid = Grid(mex.Domain([-1e3], [1e3]) if bounded else mex.Domain.reals(1))
    below, above, steps = float(grid.lower[0]), float(grid.upper[0]), 0
    while (middle := grid.middle(0, below, above)) is not None:
        assert below < middle < above
        below, above = (middle, above) if middle <= a else (below, middle)
        steps += 1
        assert steps < 200
    assert np.nextafter(np.float32(below), np.float32(np.inf)) == np.float32(above)
    assert below <= a < above or a == grid.upper[0]


def test_whole_numbers_and_categories_are_neighbours_at_one() -> None:
    grid = Grid(mex.Domain([0, 0, 0], [9, 1, 1], integer=[True, False, False], groups=[(1, 2)]))
    assert grid.middle(0, 3, 4) is None
    assert grid.middle(0, 3, 5) == 4
    assert grid.middle(1, 0, 1) is None


def test_a_coarse_grid_stops_at_its_resolution() -> None:
    grid = Grid(mex.Domain([0], [10]), 0.01)
    assert grid.middle(0, 3.0, 3.125) is not None
    assert grid.middle(0, 3.0, 3.0625) is None


def test_rows_stay_inside_bounds_that_are_no_float32_numbers() -> None:
    domain = mex.Domain([0.1], [7.9])
    grid = Grid(domain)
    ends = np.array([[grid.lower[0]], [grid.upper[0]]])
    assert grid.rows(ends).tolist() == [[0.1], [7.9]]
    assert np.array_equal(grid.cast(grid.rows(ends)), ends)
    inside = domain.sample(100, np.random.default_rng(0))
    assert np.array_equal(grid.cast(grid.rows(grid.cast(inside))), grid.cast(inside))
    assert domain.objection(grid.rows(grid.cast(inside))) is None


@pytest.mark.parametrize("seed", range(3))
def test_whole_numbers_without_bounds_are_found(seed: int) -> None:
    grid = Grid(mex.Domain([-np.inf], [np.inf], integer=[True]))
    sought = int(np.random.default_rng(seed).integers(-(10**6), 10**6))
    below, above = float(grid.lower[0]), float(grid.upper[0])
    while (middle := grid.middle(0, below, above)) is not None:
        below, above = (middle, above) if middle <= sought else (below, middle)
    assert (below, above) == (sought, sought + 1)


def test_what_float32_cannot_hold_is_left_out() -> None:
    grid = Grid(mex.Domain([-np.inf, -1e300, 0], [np.inf, 1e300, 1e60], integer=[False, False, True]))
    assert grid.lower.tolist() == [-(2.0**100), -(2.0**100), 0]
    assert np.isfinite(grid.rows(np.stack([grid.lower, grid.upper]))).all()
    assert np.isfinite(grid.cast(np.array([[1e300, -1e300, 1e59]])).astype(np.float32)).all()
    assert np.isnan(grid.rows(grid.cast(np.full((1, 3), np.nan)))).all()
