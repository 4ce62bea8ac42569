"""Values that are exponential in scores, as those of generalized linear models."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xgboost
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes
from sklearn.linear_model import GammaRegressor, PoissonRegressor, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

import mex

X, y = load_diabetes(return_X_y=True)
UNIFORM = X.min(axis=0) + np.ptp(X, axis=0) * np.random.default_rng(0).random((1000, 10))


def stolen(attack: str, model: Any, **options: Any) -> mex.Stolen:
    return mex.attack(attack, model, domain=mex.Domain.of(X), pool=X[::2], held_out=X[1::2], **options)


@pytest.mark.parametrize(
    "model",
    [
        PoissonRegressor(alpha=0.1),
        make_pipeline(StandardScaler(), GammaRegressor()),
        TransformedTargetRegressor(Ridge(), func=np.log, inverse_func=np.exp),
        make_pipeline(StandardScaler(), TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1)),
    ],
)
def test_a_model_with_a_log_link_is_solved_exactly(model: Any) -> None:
    found = stolen("equation-solving", model.fit(X, y))
    assert found.queries == 12
    assert np.allclose(found.hypothesis.predict(UNIFORM), model.predict(UNIFORM), rtol=1e-9)


def test_so_is_one_of_squares() -> None:
    model = make_pipeline(StandardScaler(), PolynomialFeatures(2), PoissonRegressor(alpha=1.0)).fit(X, y / 50)
    found = stolen("polynomial-solving", model)
    assert found.queries < 150
    assert np.allclose(found.hypothesis.predict(UNIFORM), model.predict(UNIFORM), rtol=1e-9)


def test_values_in_float32_are_taken_for_what_they_are() -> None:
    model = xgboost.XGBRegressor(booster="gblinear", objective="count:poisson", n_jobs=1).fit(X * 10, y / 50)
    domain = mex.Domain.of(X * 10)
    found = mex.attack("equation-solving", model, domain=domain, pool=X[::2] * 10, held_out=X[1::2] * 10)
    assert (found.queries, found.note) == (12, "")
    assert np.allclose(found.hypothesis.predict(X * 10), model.predict(X * 10), rtol=1e-5)


def test_rounded_values_are_fitted_and_it_is_said() -> None:
    model = make_pipeline(StandardScaler(), PoissonRegressor()).fit(X, y)
    found = stolen("equation-solving", model, defense="rounding:decimals=0")
    assert "fitted to" in found.note
    assert found.agreement > 0.999


def test_what_is_neither_affine_nor_exponential_is_refused() -> None:
    model = xgboost.XGBRegressor(booster="gblinear", objective="reg:logistic", n_jobs=1).fit(X, y / 400)
    with pytest.raises(mex.Incompatible, match="behind the link identity, log or log1p, and this model's is bent"):
        stolen("equation-solving", model)
