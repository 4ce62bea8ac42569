"""Forests without scikit-learn's checks are those that scikit-learn fits, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

import mex
from mex.toolkit.trees.random_forest import random_forest


@pytest.mark.parametrize("seed", [0, 2**31 - 2])
@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("data", ["iris", "breast_cancer", "diabetes"])
def test_it_is_the_forest_of_scikit_learn(data: str, gaps: bool, seed: int, request: pytest.FixtureRequest) -> None:
    dataset: mex.Dataset = request.getfixturevalue(data)
    X, y, values = dataset.X.copy(), dataset.y, data == "diabetes"
    X[::7, 0] = np.nan if gaps else X[::7, 0]
    kind = RandomForestRegressor if values else RandomForestClassifier
    labels = y if values else np.array(["no", "yes", "perhaps"])[y]
    theirs = kind(6, random_state=seed).fit(X[::2], labels[::2])
    ours = random_forest(X[::2], labels[::2], trees=6, seed=seed, values=values)
    answer = "predict" if values else "predict_proba"
    assert np.array_equal(getattr(ours, answer)(X), getattr(theirs, answer)(X))
    assert np.array_equal(ours.predict(X), theirs.predict(X))
    assert np.array_equal(ours.feature_importances_, theirs.feature_importances_)
    assert values or np.array_equal(ours.classes_, theirs.classes_)


@pytest.mark.filterwarnings("ignore:overflow")
def test_rows_beyond_float32_are_refused() -> None:
    with pytest.raises(ValueError, match="too large"):
        random_forest(np.array([[0.0], [1e300]]), np.array([0, 1]), trees=2, seed=0)
