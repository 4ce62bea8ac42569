"""What is known of the kernel of f*, and what the answers tell."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import mex
from mex.toolkit.kernels.functions import Kernel
from mex.toolkit.kernels.machine import KernelMachine
from mex.toolkit.kernels.selection import encoder, extract_and_test, public_kernel, rbf_grid


def known(family: mex.Family, pool=None) -> mex.Knowledge:
    domain = mex.Domain(np.zeros(2), np.array([1.0, 100.0]))
    return mex.Knowledge(domain=domain, classes=np.array([0, 1]), answers="label", family=family, pool=pool)


def test_the_attacker_scales_as_the_public_learner_does_by_rows_of_its_own() -> None:
    rng = np.random.default_rng(0)
    pool = rng.normal(50, 10, (200, 2))
    scaled = mex.Family("kernel", {}, make_pipeline(StandardScaler(), SVC()))
    np.testing.assert_allclose(encoder(known(scaled, pool), rng).transform(pool).std(axis=0), 1)
    raw = mex.Family("kernel", {}, SVC())
    np.testing.assert_array_equal(encoder(known(raw, pool), rng).transform(pool), pool)
    without = encoder(known(scaled), rng).transform(known(scaled).domain.sample(1000, rng))
    np.testing.assert_allclose(without.std(axis=0), 1, atol=0.1)


@pytest.mark.parametrize(
    ("public", "kernel"),
    [
        ({"kernel": "rbf", "gamma": 0.3}, Kernel("rbf", 0.3)),
        ({"kernel": "rbf", "gamma": "auto"}, Kernel("rbf", 0.5)),
        ({"kernel": "rbf", "gamma": "scale"}, Kernel("rbf", 1 / (2 * 1.25))),
        ({"kernel": "poly", "gamma": 2.0, "degree": 2}, Kernel("poly", 2.0, 2)),
        ({"kernel": "sigmoid", "gamma": 1.0}, None),
        ({}, None),
    ],
)
def test_a_public_kernel_is_read_off_by_the_rules_of_scikit_learn(public, kernel) -> None:
    Z = np.array([[0.0, 1.0], [2.0, 3.0]])
    found = public_kernel(known(mex.Family("kernel", public)), Z)
    assert found == kernel or np.isclose(found.gamma, kernel.gamma)
    assert public_kernel(known(mex.Family("tree", public)), Z) is None


@pytest.mark.parametrize("gamma", [0.1, 0.5, 8.0])
def test_the_width_that_is_found_predicts_as_well_as_the_true_one(gamma: float) -> None:
    rng = np.random.default_rng(0)
    centres, weights = rng.uniform(-1, 1, (20, 2)), rng.choice([-1.0, 1.0], 20)
    X = rng.uniform(-1, 1, (3000, 2))
    values = Kernel("rbf", gamma)(X, centres) @ weights
    signs = np.sign(values - np.median(values))
    found = extract_and_test(X[:300], signs[:300], [(k, 1e4) for k in rbf_grid(X)], rho=0.01)
    true = KernelMachine(Kernel("rbf", gamma), 1e4).add(X[:300], signs[:300]).fit()
    got, possible = (np.mean(np.sign(machine.decision_function(X)) == signs) for machine in (found, true))
    assert got > possible - 0.01


def test_noise_calls_for_a_softer_margin() -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (300, 2))
    signs = np.sign(np.sin(4 * X[:, 0]) - X[:, 1])
    settings = [(Kernel("rbf", 2.0), C) for C in 10.0 ** np.arange(-1, 5)]
    flipped = signs * np.where(rng.random(300) < 0.2, -1, 1)
    soft, hard = extract_and_test(X, flipped, settings, rho=0.2), KernelMachine(Kernel("rbf", 2.0), 1e4)
    got, fitted = (np.mean(np.sign(m.decision_function(X)) == signs) for m in (soft, hard.add(X, flipped).fit()))
    assert soft.C <= 100
    assert got > fitted
