"""What every defense promises, by the conformance kit; and what is this one's own."""

from __future__ import annotations

import numpy as np
import pytest
from mex_coarse.defense import Coarse

import mex
from mex.dataset import Rows
from mex.testing import Check, checks
from mex.testing.examples import example_target


@pytest.mark.parametrize("check", checks("defense", "coarse:levels=4"))
def test_it_keeps_the_promises_of_a_defense(check: Check) -> None:
    check()


def test_two_queries_in_one_step_get_one_answer() -> None:
    target = example_target()
    coarse = Coarse(levels=2).protect(target, Rows(np.empty((0, 4)), np.empty(0)), np.random.default_rng(0))
    X = np.random.default_rng(1).uniform(0.01, 0.99, size=(50, 4))  # all in the upper step of every feature
    assert len(np.unique(coarse.answer(X, "label"))) == 1


def test_it_is_listed_beside_the_built_in_components() -> None:
    provided = mex.load_registry().find("defense", "coarse")
    assert provided.provider == "mex-coarse"
