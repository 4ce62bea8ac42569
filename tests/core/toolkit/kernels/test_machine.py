"""The warm support vector machine against its optimality conditions, brute force and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import make_moons
from sklearn.svm import SVC

from mex.toolkit.kernels.cholesky import PackedFactor
from mex.toolkit.kernels.functions import Kernel
from mex.toolkit.kernels.machine import KernelMachine


def moons(n: int, flipped: float = 0.0):
    X, y = make_moons(n, noise=0.15, random_state=0)
    signs = np.where(y > 0, 1.0, -1.0)
    return X, signs * np.where(np.random.default_rng(1).random(n) < flipped, -1, 1)


def assert_optimal(machine: KernelMachine, tolerance: float = 3e-7) -> None:
    """The objective is convex, so a vanishing gradient is all there is to show."""
    short = np.maximum(1 - machine.y * machine.f, 0)
    scale = max(1.0, float(np.abs(machine.beta).max()))
    np.testing.assert_allclose(machine.beta, machine.C * short * machine.y, atol=tolerance * scale)
    assert abs(machine.beta.sum()) < tolerance * scale
    fresh = machine.kernel(machine.X, machine.X) @ machine.beta + machine.intercept
    np.testing.assert_allclose(machine.f, fresh, atol=tolerance * scale)


@pytest.mark.parametrize("kernel", [Kernel("rbf", 2.0), Kernel("poly", 1.0, 3, 1.0)])
@pytest.mark.parametrize(("C", "flipped"), [(1.0, 0.0), (1e4, 0.0), (10.0, 0.2), (1e3, 0.2)])
def test_row_by_row_it_is_at_the_optimum_all_along(kernel, C, flipped) -> None:
    X, y = moons(150, flipped)
    machine = KernelMachine(kernel, C)
    for i in range(0, 150, 3):
        machine.add(X[i : i + 3], y[i : i + 3]).fit()
        assert_optimal(machine)


def test_a_large_penalty_gives_the_maximum_margin_machine_of_scikit_learn() -> None:
    X, y = moons(120)
    ours = KernelMachine(Kernel("rbf", 2.0), 1e7).add(X, y).fit()
    theirs = SVC(C=1e7, gamma=2.0, tol=1e-6).fit(X, y)
    points = np.random.default_rng(0).uniform(X.min(0), X.max(0), (500, 2))
    np.testing.assert_allclose(ours.decision_function(points), theirs.decision_function(points), atol=0.05)


class Counting:
    """A kernel that counts the entries it is asked for."""

    def __init__(self) -> None:
        self.entries = 0

    def __call__(self, A, B):
        self.entries += len(A) * len(B)
        return Kernel("rbf", 2.0)(A, B)


def test_a_refit_computes_the_new_kernel_rows_only() -> None:
    X, y = moons(101)
    kernel = Counting()
    machine = KernelMachine(kernel, 100.0).add(X[:100], y[:100]).fit()
    before = kernel.entries
    machine.add(X[100:], y[100:]).fit()
    assert kernel.entries == before + 101


def test_one_label_is_a_constant_and_the_first_other_one_is_learned() -> None:
    X, y = moons(40)
    order = np.argsort(y)
    machine = KernelMachine(Kernel("rbf", 2.0), 1e4)
    for i in order[:20]:
        machine.add(X[i : i + 1], y[i : i + 1]).fit()
    assert machine.decision_function(X).tolist() == [-1.0] * 40
    for i in order[20:]:
        machine.add(X[i : i + 1], y[i : i + 1]).fit()
        assert_optimal(machine)
    assert (np.sign(machine.f) == machine.y).all()


def test_rows_that_contradict_each_other_are_outvoted() -> None:
    machine = KernelMachine(Kernel("rbf", 1.0), 1e4)
    machine.add(np.zeros((5, 2)), np.array([1.0, 1.0, -1.0, 1.0, -1.0])).fit()
    assert_optimal(machine)
    assert machine.decision_function(np.zeros((1, 2))) == pytest.approx(0.2)


def test_the_objective_with_a_row_is_that_of_the_refitted_machine_and_changes_nothing() -> None:
    X, y = moons(80)
    machine = KernelMachine(Kernel("rbf", 2.0), 100.0).add(X[:60], y[:60]).fit()
    before, decided = machine.objective, machine.decision_function(X)
    for i in range(60, 80):
        for sign in (-1.0, 1.0):
            there = KernelMachine(Kernel("rbf", 2.0), 100.0)
            there.add(X[:60], y[:60]).add(X[i : i + 1], np.array([sign])).fit()
            assert machine.objective_with(X[i], sign) == pytest.approx(there.objective)
    assert machine.objective == before
    np.testing.assert_array_equal(machine.decision_function(X), decided)
    machine.add(X[60:], y[60:]).fit()
    assert_optimal(machine)


def test_the_variance_says_what_an_answer_costs_while_no_other_row_changes_sides() -> None:
    X, y = moons(60)
    machine = KernelMachine(Kernel("rbf", 2.0), 0.1).add(X, y).fit()
    x = X[:1] + 0.1
    sign = -float(np.sign(machine.decision_function(x)[0]))
    short = 1 - sign * machine.decision_function(x)[0]
    expected = machine.objective + short**2 / (2 * (machine.variance(x)[0] + 1 / machine.C))
    assert machine.active.all()
    assert machine.objective_with(x[0], sign) == pytest.approx(expected, rel=1e-9)


def test_leaving_one_out_in_closed_form_is_leaving_it_out() -> None:
    X, y = moons(60, flipped=0.1)
    machine = KernelMachine(Kernel("rbf", 2.0), 1.0).add(X, y).fit()
    brute = [
        KernelMachine(Kernel("rbf", 2.0), 1.0)
        .add(np.delete(X, i, 0), np.delete(y, i))
        .fit()
        .decision_function(X[i : i + 1])[0]
        for i in range(60)
    ]
    np.testing.assert_allclose(machine.leave_one_out(), brute, atol=0.02)


@given(st.integers(0, 2**32 - 1))
def test_the_factor_follows_any_set_of_rows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 40
    X = rng.standard_normal((n, 3))
    K, y = Kernel("rbf", 0.5)(X, X), rng.choice([-1.0, 1.0], n)
    factor, active = PackedFactor(0.01), rng.random(n) < 0.5
    for _ in range(12):
        active = active ^ (rng.random(n) < rng.choice([0.02, 0.1, 0.5]))
        if not active.any():
            continue
        factor.update(K, y, active)
        beta, b = factor.solve(active)
        rows = np.flatnonzero(active)
        np.testing.assert_allclose((K @ beta + 0.01 * beta + b)[rows], y[rows], atol=1e-8)
        assert abs(beta.sum()) < 1e-8
        assert not beta[~active].any()
