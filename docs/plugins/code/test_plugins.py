"""The plugins of the documentation keep the promises of their kinds, and do what is their own."""

from __future__ import annotations

import numpy as np
import pytest
from in_range import InRange
from midpoints import Midpoints
from moons import Moons
from naive_bayes import NaiveBayes

import mex
from mex.dataset import Rows
from mex.testing import Check, checks
from mex.testing.examples import example_dataset, example_target


@pytest.mark.parametrize("check", checks("attack", Midpoints(), least_agreement=0.8))
def test_it_keeps_the_promises_of_an_attack(check: Check) -> None:
    check()


def test_it_asks_between_rows_that_were_answered_differently() -> None:
    oracle = mex.Oracle(example_target(), budget=40)
    learner = Midpoints(batch=20).learner(oracle.knowledge(), np.random.default_rng(0))
    stolen = mex.extract(oracle, learner)
    first, then = stolen.transcript.X[:20], stolen.transcript.X[20:]
    assert np.ptp(then, axis=0).max() <= np.ptp(first, axis=0).max()


@pytest.mark.parametrize("check", checks("defense", InRange(), expect_change=False))
def test_it_keeps_the_promises_of_a_defense(check: Check) -> None:
    check()


def test_rows_far_from_the_data_are_refused_and_the_middle_is_not() -> None:
    target, data = example_target(), example_dataset()
    shown = InRange(share=0.1).protect(target, Rows(data.X, data.y), np.random.default_rng(0))
    rows = np.stack([np.median(data.X, axis=0), data.X.max(axis=0)])
    assert shown.admit(rows).tolist() == [True, False]


@pytest.mark.parametrize("check", checks("model", NaiveBayes()))
def test_it_keeps_the_promises_of_a_model(check: Check) -> None:
    check()


def test_it_learns_what_is_there_to_learn() -> None:
    data = example_dataset()
    target = NaiveBayes().fit(data, Rows(data.X[:120], data.y[:120]), np.random.default_rng(0))
    assert np.mean(target.answer(data.X[120:], "label") == data.y[120:]) > 0.75


@pytest.mark.parametrize("check", checks("dataset", Moons()))
def test_it_keeps_the_promises_of_a_dataset(check: Check) -> None:
    check()


def test_more_noise_mixes_the_moons() -> None:
    (clear, mixed) = (Moons(noise=noise).load() for noise in (0.05, 0.5))
    assert np.ptp(mixed.X, axis=0).min() > np.ptp(clear.X, axis=0).min()
