"""Segments between rows: the interface accepts every row of theirs."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mex import Domain
from mex.toolkit.kernels.segments import Segments

MIXED = Domain(
    [-1.5, 0, 0, 0, 0, 3],
    [2.5, 20, 1, 1, 1, 3],
    integer=[False, True, False, False, False, False],
    groups=[(2, 3, 4)],
)


@given(st.integers(0, 2**32 - 1))
def test_every_row_of_a_segment_is_valid_and_the_ends_are_the_ends(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = MIXED.sample(20, rng), MIXED.sample(20, rng)
    segments = Segments.between(MIXED, a, b, rng)
    np.testing.assert_allclose(segments.ends(), (a, b))
    for _ in range(12):
        assert MIXED.objection(segments.middle()) is None
        segments.narrow(rng.random(20) < 0.5)
    assert MIXED.objection(np.concatenate(segments.ends())) is None


def test_bisection_ends_on_either_side_of_the_change() -> None:
    rng = np.random.default_rng(0)
    box = Domain(np.zeros(3), np.ones(3))
    segments = Segments.between(box, np.zeros((50, 3)), np.ones((50, 3)), rng)
    places = rng.random(50)
    for _ in range(30):
        segments.narrow(segments.middle()[:, 0] < places)
    before, after = segments.ends()
    assert (before[:, 0] <= places).all()
    assert (after[:, 0] >= places).all()
    np.testing.assert_allclose(before, after, atol=1e-8)


def test_groups_change_one_after_the_other() -> None:
    n = 6
    groups = [(2 * i, 2 * i + 1) for i in range(n)]
    domain = Domain(np.zeros(2 * n), np.ones(2 * n), groups=groups)
    a, b = np.tile([1.0, 0.0], n)[None], np.tile([0.0, 1.0], n)[None]
    segments = Segments.between(domain, a, b, np.random.default_rng(0))
    changed = [int((segments.at(np.array([t]))[0, 1::2] == 1).sum()) for t in np.linspace(0, 1, 2001)]
    assert sorted(set(changed)) == list(range(n + 1))
