"""The prior of machines trained on data like the pool."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import make_moons

from mex.toolkit.kernels.classifier import KernelClassifier
from mex.toolkit.kernels.functions import Kernel
from mex.toolkit.kernels.machine import KernelMachine
from mex.toolkit.kernels.prior import KERNEL_SHARE, ROWS, DataCovariance

ROWS_, Y = make_moons(60, noise=0.1, random_state=0)
POINTS = np.random.default_rng(1).uniform(-2, 2, (25, 2))


@pytest.mark.parametrize("kernel", [Kernel("rbf", 2.0), Kernel("poly", 0.5, 2, 1.0)])
def test_it_is_the_covariance_of_random_expansions_in_rows_like_the_data(kernel: Kernel) -> None:
    prior = DataCovariance.of(kernel, ROWS_)
    rng = np.random.default_rng(0)
    expansions = kernel(POINTS, ROWS_) @ rng.standard_normal((len(ROWS_), 20_000))
    expected, got = np.cov(expansions), prior(POINTS, POINTS) - KERNEL_SHARE * kernel(POINTS, POINTS)
    scale = np.trace(got) / np.trace(expected)
    np.testing.assert_allclose(got, scale * expected, atol=0.05 * got.max())
    np.testing.assert_allclose(prior.diagonal(POINTS), np.diag(prior(POINTS, POINTS)))
    assert (prior.diagonal(ROWS_) - KERNEL_SHARE * kernel.diagonal(ROWS_)).mean() == pytest.approx(
        (1 - KERNEL_SHARE) * kernel.diagonal(ROWS_).mean()
    )


def test_of_many_rows_it_takes_some() -> None:
    assert len(DataCovariance.of(Kernel(), np.zeros((ROWS + 5, 2))).rows) == ROWS


def test_what_it_learns_is_an_expansion_in_the_kernel_of_the_target() -> None:
    kernel = Kernel("rbf", 2.0)
    prior = DataCovariance.of(kernel, ROWS_[:20])
    machine = KernelMachine(prior, 100.0).add(ROWS_, np.where(Y > 0, 1.0, -1.0)).fit()
    expected = prior(POINTS, machine.X) @ machine.beta + machine.intercept
    np.testing.assert_allclose(machine.decision_function(POINTS), expected, atol=1e-9)
    same, rows, weights = prior.expand(machine.X, machine.beta)
    assert same is kernel
    np.testing.assert_allclose(kernel(POINTS, rows) @ weights + machine.intercept, expected, atol=1e-9)

    class Identity:
        def transform(self, X):
            return X

    made = KernelClassifier.of(machine, Identity(), np.array(["a", "b"]), 2)
    np.testing.assert_allclose(made.decision_function(POINTS), expected, atol=1e-9)


def test_where_data_are_dense_it_expects_large_values() -> None:
    prior = DataCovariance.of(Kernel("rbf", 1.0), np.array([[0.0], [0.1], [0.2], [9.0]]))
    dense, scarce, none = prior.diagonal(np.array([[0.1], [9.0], [50.0]]))
    assert dense > 2 * scarce > 2 * none > 0
