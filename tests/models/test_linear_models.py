"""The paper's homogeneous halfspaces, and linear models that scale the rows themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mex
from mex.dataset import Rows
from mex.toolkit.normals import normal
from mex.types import FloatArray

LINEAR = ["logistic", "linear-svm"]


@pytest.fixture(scope="module", params=LINEAR)
def halfspace(request: pytest.FixtureRequest, registry: mex.Registry, breast_cancer: mex.Dataset) -> mex.FittedTarget:
    model = registry.build("model", f"{request.param}:fit_intercept=false")
    train = Rows(breast_cancer.X, breast_cancer.y)
    target: mex.FittedTarget = model.fit(breast_cancer, train, np.random.default_rng(0))
    return target


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(1e-6, 1e6))
def test_without_an_intercept_the_scale_of_a_row_does_not_matter_and_its_sign_does(
    halfspace: mex.FittedTarget, seed: int, scale: float
) -> None:
    X = np.random.default_rng(seed).standard_normal((50, 30))
    answers = halfspace.answer(X, "label")
    assert np.array_equal(halfspace.answer(scale * X, "label"), answers)
    assert np.array_equal(halfspace.answer(-X, "label"), 1 - answers)


def test_without_an_intercept_the_interface_takes_standardised_rows_of_all_of_space(
    halfspace: mex.FittedTarget, breast_cancer: mex.Dataset
) -> None:
    Z = halfspace.encode(breast_cancer.X)
    assert np.allclose(Z.mean(axis=0), 0)
    assert np.allclose(Z.std(axis=0), 1)
    assert not halfspace.domain.bounded
    assert not halfspace.domain.discrete.any()
    assert np.isinf(halfspace.domain.lower).all()
    assert halfspace.domain.objection(1e9 * Z) is None
    assert halfspace.family.public["intercept"] is False


def test_without_an_intercept_the_normal_is_the_answer(halfspace: mex.FittedTarget) -> None:
    found = normal(halfspace.estimator)
    assert found is not None
    w, b = found
    assert b == 0
    X = np.random.default_rng(0).standard_normal((200, 30))
    assert np.array_equal(halfspace.answer(X, "label"), (X @ w > 0).astype(int))


@pytest.mark.parametrize("name", LINEAR)
def test_with_an_intercept_the_server_scales_raw_rows(
    registry: mex.Registry, breast_cancer: mex.Dataset, name: str
) -> None:
    data = breast_cancer
    target = registry.build("model", name).fit(data, Rows(data.X, data.y), np.random.default_rng(0))
    assert target.domain is data.domain
    assert target.encode(data.X) is data.X
    found = normal(target.estimator)
    assert found is not None
    w, b = found
    assert abs(b) > 0.1
    assert np.array_equal(target.answer(data.X, "label"), (data.X @ w + b > 0).astype(int))


@pytest.mark.parametrize("name", LINEAR)
def test_the_units_of_the_features_change_no_label(
    registry: mex.Registry, breast_cancer: mex.Dataset, name: str
) -> None:
    data = breast_cancer

    def answers(scale: FloatArray) -> FloatArray:
        X = data.X * scale
        rescaled = mex.Dataset("rescaled", X, data.y, mex.Domain.of(X), data.class_names)
        target = registry.build("model", name).fit(rescaled, Rows(X, data.y), np.random.default_rng(0))
        labels: FloatArray = target.answer(X, "label")
        return labels

    assert np.array_equal(answers(np.ones(30)), answers(10 ** np.random.default_rng(0).uniform(-3, 3, 30)))


def test_a_logistic_probability_is_the_logit_of_the_distance(
    registry: mex.Registry, breast_cancer: mex.Dataset
) -> None:
    data = breast_cancer
    target = registry.build("model", "logistic").fit(data, Rows(data.X, data.y), np.random.default_rng(0))
    found = normal(target.estimator)
    assert found is not None
    w, b = found
    p = np.clip(target.answer(data.X, "proba")[:, 1], 1e-12, 1 - 1e-12)
    inside = np.abs(data.X @ w + b) < 15
    assert np.allclose(np.log(p / (1 - p))[inside], (data.X @ w + b)[inside], atol=1e-5)


def test_a_linear_regression_is_affine(registry: mex.Registry, diabetes: mex.Dataset) -> None:
    data = diabetes
    target = registry.build("model", "linear-regression").fit(data, Rows(data.X, data.y), np.random.default_rng(0))
    a, b = data.X[:50], data.X[50:100]
    middle = target.answer((a + b) / 2, "value")
    assert np.allclose(middle, (target.answer(a, "value") + target.answer(b, "value")) / 2)
