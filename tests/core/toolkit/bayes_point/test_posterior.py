"""The posterior of a linear model, and the version space, against what they stand for."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.special import ndtr

from mex.toolkit.bayes_point.draws import draw
from mex.toolkit.bayes_point.posterior import Posterior, SignModel
from mex.toolkit.bayes_point.version_space import VersionSpace
from mex.types import FloatArray


def turned(X: FloatArray, w: FloatArray) -> FloatArray:
    return X * np.where(X @ w > 0, 1.0, -1.0)[:, None]


@pytest.mark.parametrize("model", [SignModel(), SignModel(rho=0.1), SignModel(spread=0.5), SignModel(0.05, 1.0)])
def test_its_moments_are_those_of_the_prior_weighed_by_the_answers(model: SignModel) -> None:
    rng = np.random.default_rng(0)
    rows = turned(rng.standard_normal((8, 3)), rng.standard_normal(3))
    posterior = Posterior(3, model)
    posterior.add(rows)
    posterior.refine(sweeps=30)
    W = rng.standard_normal((400_000, 3))
    S = W @ rows.T
    right = ndtr(S / model.spread) if model.spread else (S > 0).astype(float)
    weight = (model.rho + (1 - 2 * model.rho) * right).prod(axis=1)
    mean = weight @ W / weight.sum()
    cov = (W - mean).T * weight @ (W - mean) / weight.sum()
    assert np.abs(posterior.mean - mean).max() < 0.05
    assert np.abs(posterior.cov - cov).max() < 0.08


@pytest.mark.parametrize("rho", [0.0, 0.1, 0.3])
def test_draws_are_those_of_the_prior_weighed_by_the_answers(rho: float) -> None:
    rng = np.random.default_rng(1)
    rows = turned(rng.standard_normal((12, 3)), rng.standard_normal(3))
    rows[::8] *= -1 if rho else 1
    posterior = Posterior(3, SignModel(rho))
    posterior.add(rows)
    posterior.refine(sweeps=20)
    W, drawn = rng.standard_normal((400_000, 3)), draw(posterior, 4000, rng)
    wrong = (rows @ W.T < 0).sum(axis=0)
    weight = (rho / (1 - rho)) ** wrong if rho else wrong == 0
    for i in range(3):
        order = np.argsort(W[:, i])
        share = np.cumsum(weight[order]) / weight.sum()
        for q in (0.02, 0.1, 0.5, 0.9, 0.98):
            at = W[order[np.searchsorted(share, q)], i]
            assert np.mean(drawn[:, i] < at) == pytest.approx(q, abs=0.03)


@pytest.mark.parametrize("seed", range(3))
def test_signs_that_are_likely_wrong_widen_it(seed: int) -> None:
    rng = np.random.default_rng([seed, 4])
    rows = turned(rng.standard_normal((14, 3)), rng.standard_normal(3))
    rows[:2] *= -1
    posterior = Posterior(3, SignModel(0.2))
    posterior.add(rows)
    posterior.refine(sweeps=50)
    W = rng.standard_normal((200_000, 3))
    weight = (0.2 + 0.6 * (W @ rows.T > 0)).prod(axis=1)
    mean = weight @ W / weight.sum()
    assert np.abs(posterior.mean - mean).max() < 0.15
    width = float(weight @ ((W - mean) ** 2).sum(axis=1)) / weight.sum()
    assert 0.85 < np.trace(posterior.cov) / width < 1.15  # without negative precisions 0.6 to 0.75


def test_signs_that_contradict_each_other_without_end_leave_it_finite() -> None:
    posterior = Posterior(3, SignModel(0.1))
    rng = np.random.default_rng(5)
    for _ in range(40):
        rows = rng.integers(-1, 2, (10, 3)) + 0.5
        posterior.add(rows * rng.choice([-1.0, 1.0], (10, 1)))
        posterior.refine()
    assert np.linalg.norm(posterior.mean) < 50
    widths = np.linalg.svd(posterior.root, compute_uv=False)  # of the root, as the covariance is rounded to none of it
    assert 0 < widths.min() < widths.max() < 4


def test_a_restart_forgets_where_another_model_led() -> None:
    rng = np.random.default_rng(6)
    rows = turned(rng.standard_normal((60, 3)), rng.standard_normal(3)) * rng.choice([1, 1, 1, -1], (60, 1))
    led, fresh = Posterior(3, SignModel(0.001)), Posterior(3, SignModel(0.25))
    led.add(rows)
    led.refine()
    led.restart(SignModel(0.25))
    fresh.add(rows, at_once=True)
    fresh.refine(20)
    assert np.allclose(led.mean, fresh.mean)
    assert np.allclose(led.cov, fresh.cov)


def test_it_serves_to_errors_far_below_the_root_of_what_float64_resolves() -> None:
    rng = np.random.default_rng(1)
    w = rng.standard_normal(4)
    posterior = Posterior(4)
    for _ in range(120):  # the direction of the largest variance, made orthogonal to the mean
        axis = np.linalg.eigh(posterior.cov)[1][:, -1] + 1e-3 * rng.standard_normal(4)
        m = posterior.mean
        a = axis - (axis @ m) / (m @ m) * m if m.any() else axis
        posterior.add(turned(a[None], w))
        posterior.refine()
    error = np.linalg.norm(posterior.mean / np.linalg.norm(posterior.mean) - w / np.linalg.norm(w))
    assert error < 1e-9
    assert error < 5 * posterior.error(np.eye(4))


def test_adding_at_once_ends_where_adding_one_by_one_does() -> None:
    rng = np.random.default_rng(2)
    rows = turned(rng.standard_normal((40, 5)), rng.standard_normal(5))
    together, one_by_one = Posterior(5), Posterior(5)
    together.add(rows, at_once=True)
    one_by_one.add(rows)
    for posterior in (together, one_by_one):
        posterior.refine(sweeps=100, settled=1e-9)
    assert np.allclose(together.mean, one_by_one.mean, atol=1e-5)
    assert np.allclose(together.cov, one_by_one.cov, atol=1e-5)


@pytest.mark.parametrize("rho", [0.0, 0.1, 0.25])
def test_the_share_of_wrong_labels_is_estimated(rho: float) -> None:
    rng = np.random.default_rng(3)
    X, w = rng.standard_normal((800, 4)), rng.standard_normal(4)
    flips = np.where(rng.random(800) < rho, -1.0, 1.0)
    posterior = Posterior(4, SignModel(0.15))
    posterior.add(turned(X, w) * flips[:, None])
    for _ in range(10):
        posterior.refine()
        posterior.learn_rho()
    assert abs(posterior.model.rho - rho) < 0.03
    assert w @ posterior.mean / np.linalg.norm(w) / np.linalg.norm(posterior.mean) > 0.98


def fitted(n: int, d: int, seed: int) -> tuple[Posterior, FloatArray, FloatArray]:
    rng = np.random.default_rng(seed)
    w = rng.standard_normal(d)
    rows = turned(rng.integers(-1, 2, (n, d)) + 0.25, w)
    posterior = Posterior(d)
    posterior.add(rows)
    posterior.refine()
    return posterior, rows, w


@pytest.mark.parametrize("seed", range(2))
def test_a_sign_is_open_if_and_only_if_a_linear_program_says_so(seed: int) -> None:
    posterior, rows, _ = fitted(60, 6, seed)
    V = np.random.default_rng([seed, 1]).integers(-1, 2, (200, 6)) + 0.25
    space, left, opened = VersionSpace(posterior), np.arange(200), set()
    assert not space.empty
    while len(left):
        implied, first = space.settle(V[left])
        opened |= set() if first is None else {int(left[first])}
        done = implied.copy()
        done[[] if first is None else [first]] = True
        left = left[~done] if done.any() else left[:0]
    for i, v in enumerate(V):
        sign = 1.0 if v @ posterior.mean >= 0 else -1.0
        least = linprog(sign * v, A_ub=-rows, b_ub=np.zeros(len(rows)), bounds=(-1, 1), method="highs").fun
        assert (i in opened) == (least < -1e-7)
    assert 3 < len(opened) < 197


def test_corners_agree_with_every_answer_and_answers_that_contradict_leave_nothing() -> None:
    posterior, rows, w = fitted(60, 6, 4)
    space = VersionSpace(posterior)
    for seed in range(5):
        t = 1e3 * np.random.default_rng(seed).standard_normal(6)
        ends = space.nearest(t), space.nearest(-t)
        for corner in ends:
            assert corner is not None
            assert (rows @ corner > -1e-6 * np.linalg.norm(corner)).all()
        assert not np.allclose(*ends)
    posterior.add(-rows[:1])
    posterior.add(-turned(w[None], w))
    posterior.refine()
    assert VersionSpace(posterior).empty
