"""The search finds thresholds to the last float32 number, whole number and category; boxes keep to the domain."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import mex
from mex.toolkit.generators import lockstep
from mex.toolkit.trees.threshold_search import Resolution, find_threshold
from mex.toolkit.trees.thresholds import Thresholds
from mex.types import FloatArray


def run(
    known: Thresholds, rule: Callable[[FloatArray], int], start: list[float], end: list[float], **how: object
) -> int:
    """Search between start and end; return how many rows were asked."""
    resolution = Resolution(domain=known.domain, **how)  # type: ignore[arg-type]
    a, b = np.array(start, dtype=float), np.array(end, dtype=float)
    rows = find_threshold(known, a, b, rule(a), np.random.default_rng(0), resolution)
    asked = 0
    row = next(rows, None)
    while row is not None:
        assert known.domain.objection(row[None]) is None
        asked += 1
        try:
            row = rows.send(rule(row))
        except StopIteration:
            row = None
    return asked


@pytest.mark.parametrize("threshold", [0.3, -0.7, 1e-12, -1e-30, 0.0, 0.9999999])
def test_a_threshold_is_found_between_neighbouring_float32_numbers(threshold: float) -> None:
    known = Thresholds(mex.Domain([-1.0] * 3, [1.0] * 3))
    asked = run(known, lambda x: int(x[1] > threshold), [-1, -1, -1], [1, 1, 1])
    assert known.column.tolist() == [1]
    assert known.below[0] <= threshold < known.above[0]
    assert np.nextafter(np.float32(known.below[0]), np.float32(2)) == np.float32(known.above[0])
    assert asked <= 2 + 30 + 32


def test_integers_are_exact_and_cost_their_logarithm() -> None:
    known = Thresholds(mex.Domain([0], [1000], integer=[True]))
    assert run(known, lambda x: int(x[0] > 700), [0], [1000]) <= 10
    assert (known.below[0], known.above[0]) == (700, 701)


def test_a_coarse_resolution_and_one_by_rows_ask_less() -> None:
    rule = lambda x: int(x[0] > 0.3)  # noqa: E731
    known = Thresholds(mex.Domain([0.0], [1.0]))
    assert run(known, rule, [0], [1], eps=0.01) == 7
    assert known.above[0] - known.below[0] <= 0.01
    known = Thresholds(mex.Domain([0.0], [1.0]))
    rows = np.sort(np.random.default_rng(0).random((100, 1)), axis=0)
    assert run(known, rule, [0], [1], rows=rows, bits=3) <= 11
    assert ((known.below[0] <= rows) & (rows <= known.above[0])).sum() <= 2


def test_a_known_threshold_that_explains_the_difference_is_not_found_again() -> None:
    known = Thresholds(mex.Domain([0.0], [1.0]))
    rule = lambda x: int(0.3 < x[0] <= 0.6)  # noqa: E731
    first = run(known, rule, [0], [0.5])
    assert run(known, rule, [0], [0.55]) <= 2 < first
    assert len(known) == 1
    run(known, rule, [0.5], [1])
    assert len(known) == 2


@pytest.mark.parametrize("special", [0, 1, 2])
def test_the_category_that_stands_out_is_found(special: int) -> None:
    groups = mex.Domain([0] * 4, [1] * 4, groups=[(0, 1, 2)])
    other = (special + 1) % 3
    for start, end in ((special, other), (other, special)):
        known = Thresholds(groups)
        run(known, lambda x: int(x[special]), [*np.eye(3)[start], 0], [*np.eye(3)[end], 1])
        assert known.column.tolist() == [special]


def test_equal_rows_of_different_labels_end_without_a_question() -> None:
    known = Thresholds(mex.Domain([0.0], [1.0]))
    rows = find_threshold(known, np.zeros(1), np.zeros(1), 0, np.random.default_rng(0), Resolution(domain=known.domain))
    assert next(rows, None) is None


def test_searches_end_whatever_they_are_told() -> None:
    known = Thresholds(mex.Domain([-1.0] * 5, [1.0] * 5))
    rng = np.random.default_rng(0)
    ends = [(rng.choice([-1.0, 1.0], 5), rng.choice([-1.0, 1.0], 5)) for _ in range(50)]
    rows = lockstep(find_threshold(known, a, b, 0, rng, Resolution(domain=known.domain)) for a, b in ends)
    X, asks = next(rows), 0
    while X is not None:
        asks += 1
        try:
            X = rows.send(rng.integers(2, size=len(X)))
        except StopIteration:
            break
    assert asks < 500


def test_halves_and_cells_settle_one_hot_groups() -> None:
    known = Thresholds(mex.Domain([0] * 4, [1, 1, 1, 9], groups=[(0, 1, 2)], integer=[False, False, False, True]))
    known.add(0, 0.0, 1.0)
    known.add(1, 0.0, 1.0)
    known.add(3, 4.0, 5.0)
    without, only = known.halves(known.box, 0)
    assert (only.lower[:3].tolist(), only.upper[:3].tolist()) == ([1, 0, 0], [1, 0, 0])
    last, _ = known.halves(without, 1)
    assert (last.lower[:3].tolist(), last.upper[:3].tolist()) == ([0, 0, 1], [0, 0, 1])
    assert 1 not in known.within(only)
    cell = known.cell(np.array([0.0, 0.0, 1.0, 7.0]), known.box)
    assert (cell.lower.tolist(), cell.upper.tolist()) == ([0, 0, 1, 5], [0, 0, 1, 9])
    assert cell.holds(np.array([[0, 0, 1, 9], [0, 0, 1, 4]])).tolist() == [True, False]


def test_a_domain_without_bounds_is_refused() -> None:
    with pytest.raises(mex.Incompatible, match="between bounds"):
        Thresholds(mex.Domain.reals(2))
