"""The query probability of IWAL against its equations."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mex.errors import UsageError
from mex.toolkit.active.iwal import query_probability

constants = st.floats(1, 8)


@given(st.floats(0, 1), st.integers(2, 10**6), st.floats(1e-5, 10), constants, constants)
def test_the_probability_solves_the_corrected_equation(gap: float, n: int, c0: float, c1: float, c2: float) -> None:
    s = float(query_probability(gap, n, c0=c0, c1=c1, c2=c2))
    e = c0 * math.log(n) / (n - 1)
    assert 0 < s <= 1
    if gap <= math.sqrt(e) + e:
        assert s == 1
    else:
        right = (c1 / math.sqrt(s) - c1 + 1) * math.sqrt(e) + (c2 / s - c2 + 1) * e
        assert right == pytest.approx(gap, rel=1e-6)


@given(st.floats(0, 1), st.integers(2, 10**6), st.floats(1e-5, 10), constants, constants)
def test_the_printed_equation_is_solved_as_printed_or_asks_surely(
    gap: float, n: int, c0: float, c1: float, c2: float
) -> None:
    s = float(query_probability(gap, n, c0=c0, c1=c1, c2=c2, equation="printed"))
    e = c0 * math.log(n) / (n - 1)
    if s < 1:
        u = math.sqrt(s)
        right = c1 / (u - c1 + 1) * math.sqrt(e) + c2 / (u - c2 + 1) * e
        assert right == pytest.approx(gap, rel=1e-6)


@pytest.mark.parametrize("equation", ["corrected", "printed"])
def test_it_is_continuous_where_asking_stops_being_sure(equation: str) -> None:
    e = 0.1 * math.log(500) / 499
    sure = math.sqrt(e) + e
    assert query_probability(sure, 500, c0=0.1, equation=equation) == 1
    assert query_probability(sure * (1 + 1e-9), 500, c0=0.1, equation=equation) == pytest.approx(1, abs=1e-6)


def test_the_two_equations_differ() -> None:
    corrected = query_probability(0.3, 1000, c0=0.1)
    assert query_probability(0.3, 1000, c0=0.1, equation="printed") < 0.9 * corrected


def test_a_larger_gap_is_asked_less_and_the_first_element_always() -> None:
    probabilities = query_probability(np.arange(100) / 100, 10_000, c0=0.01)
    assert (np.diff(probabilities) <= 0).all()
    assert query_probability(1.0, 1) == 1


def test_another_equation_is_a_mistake() -> None:
    with pytest.raises(UsageError, match="corrected, printed"):
        query_probability(0.1, 10, equation="original")
