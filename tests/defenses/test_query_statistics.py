"""query-detector: the statistics are those of their papers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import shapiro

import mex
from mex.types import FloatArray
from mex_query_detector.calibration import Standard
from mex_query_detector.distances import GrowingSet, normality
from mex_query_detector.means import MMD, Hotelling


def traffic(n: int, seed: int) -> FloatArray:
    rng = np.random.default_rng([seed, 7])
    x = rng.standard_normal(n)
    return np.column_stack([x, 0.9 * x + 0.4 * rng.standard_normal(n), rng.exponential(3, n), rng.random(n) < 0.2])


def test_the_statistic_of_hotelling_is_t_square() -> None:
    rng = np.random.default_rng(0)
    spread = np.array([[1.0, 0.5, 0], [0, 1, 0.8], [0, 0, 0.3]])
    sphere = rng.standard_normal((5000, 3))  # so that each row counts as it is
    benign = sphere / np.linalg.norm(sphere, axis=1, keepdims=True) @ spread
    X = 0.5 * benign[:60] + 0.1
    test = Hotelling(Standard(np.zeros(3), np.ones(3)))
    gap, weight = X.mean(axis=0) - benign.mean(axis=0), 60 * 5000 / 5060
    expected = weight * gap @ np.linalg.solve(np.cov(benign.T), gap)
    assert test.against(benign).session().add(X, 30)[1] == pytest.approx(expected, rel=0.02), "hardly shrunk"


def test_the_statistic_of_mmd_is_that_of_the_gaussian_kernel() -> None:
    benign, X = traffic(300, 0), traffic(80, 1) * [1, -1, 2, 1]
    standard = Standard.of(benign, mex.Domain.reals(4))
    test = MMD.of(standard, benign, np.random.default_rng(2))
    score = test.against(test.describe(benign)).session().add(test.describe(X), 80)[0]
    A, B = standard(X), standard(benign)
    width = np.median(cdist(B, B)[np.triu_indices(300, 1)])

    def kernel(P: FloatArray, Q: FloatArray) -> float:
        return float(np.exp(-(cdist(P, Q) ** 2) / (2 * width**2)).mean())

    exact = 80 * 300 / 380 * (kernel(A, A) + kernel(B, B) - 2 * kernel(A, B))
    assert score == pytest.approx(exact, rel=0.25), "100 random frequencies"


def test_the_growing_set_is_that_of_prada() -> None:
    X = traffic(150, 2)
    kept, grown, threshold, expected = [X[0]], [0.0], 0.0, [np.inf]
    for x in X[1:]:
        distance = min(float(np.linalg.norm(x - y)) for y in kept)
        expected.append(distance)
        if distance > threshold:
            kept.append(x)
            grown.append(distance)
            threshold = max(threshold, float(np.mean(grown) - np.std(grown)))
    growing = GrowingSet(X.shape[1])
    assert np.concatenate([growing.add(X[:70]), growing.add(X[70:71]), growing.add(X[71:])]) == pytest.approx(expected)
    assert len(kept) < 150


def test_the_normality_is_that_of_shapiro_and_wilk_without_outliers() -> None:
    distances = np.abs(np.random.default_rng(0).standard_normal(200)) + 1
    assert normality(distances) == pytest.approx(
        shapiro(distances[distances < distances.mean() + 3 * distances.std()])[0]
    )
    assert normality(np.append(distances, 1e6)) == pytest.approx(shapiro(distances)[0])
    assert (normality(np.zeros(9)), normality(np.empty(0))) == (0.0, 1.0)
