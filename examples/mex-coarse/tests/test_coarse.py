"""The one test a plugin needs: the conformance suite, and what is its own."""

from __future__ import annotations

import numpy as np
from mex_coarse.defense import Coarse

import mex
from mex.dataset import Rows
from mex.testing import check_defense
from mex.testing.examples import example_target


def test_it_keeps_the_promises_of_a_defense() -> None:
    check_defense(Coarse(levels=4))


def test_two_queries_in_one_step_get_one_answer() -> None:
    target = example_target()
    coarse = Coarse(levels=2).protect(target, Rows(np.empty((0, 4)), np.empty(0)), np.random.default_rng(0))
    X = np.random.default_rng(1).uniform(0.01, 0.99, size=(50, 4))  # all in the upper step of every feature
    assert len(np.unique(coarse.answer(X, "label"))) == 1


def test_it_is_listed_beside_the_built_in_components() -> None:
    provided = mex.load_registry().find("defense", "coarse")
    assert provided.provider == "mex-coarse"
