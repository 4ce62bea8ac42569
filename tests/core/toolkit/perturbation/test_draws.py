"""Draws that several rows share."""

from __future__ import annotations

import numpy as np
import pytest

from mex.toolkit.perturbation.draws import Draws


@pytest.mark.parametrize("kind", ["uniform", "normal"])
def test_a_draw_serves_so_many_rows_whatever_the_batches(kind: str) -> None:
    whole, parts = (getattr(Draws(np.random.default_rng(0), refresh=3), kind) for _ in range(2))
    X = np.zeros((20, 2))
    drawn = whole(X, 4)
    assert np.array_equal(drawn, np.concatenate([parts(part, 4) for part in np.split(X, [0, 1, 2, 9, 9, 19])]))
    runs = drawn[:18].reshape(6, 3, 4)
    assert (runs == runs[:, :1]).all()
    assert len(np.unique(drawn[:, 0])) == 7


def test_one_row_a_draw_is_the_generators_own_stream() -> None:
    drawn = Draws(np.random.default_rng(0), refresh=1).normal(np.zeros((5, 2)), 3)
    assert np.array_equal(drawn, np.random.default_rng(0).standard_normal((5, 3)))
