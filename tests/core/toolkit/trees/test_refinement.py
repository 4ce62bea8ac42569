"""Thresholds of models that compare in float64 are found to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from toys import built

import mex
from mex.toolkit.tabular.adapters import target_of

X, y = load_breast_cancer(return_X_y=True)
X = X[:, 4:9]


def stolen(attack: str, model: Any, budget: int | None = None) -> mex.Extraction:
    target = target_of(model, None, domain=mex.Domain.of(X))
    assert target.family.public["precision"] == "float64"
    oracle = mex.Oracle(target, budget=budget)
    learner = built("attack", attack).learner(oracle.knowledge(), np.random.default_rng(0))
    return mex.extract(oracle, learner, snapshots=False)


def test_a_tree_of_histogram_boosting_gives_away_values_of_training_rows_to_the_last_bit() -> None:
    model = HistGradientBoostingRegressor(max_iter=1, max_leaf_nodes=12, min_samples_leaf=5).fit(X, X[:, 0] * X[:, 1])
    extraction = stolen("tree-structure", model)
    assert np.abs(extraction.hypothesis.predict(X) - model.predict(X)).max() < 1e-12
    assert "11 of 11 thresholds are exact to float64" in extraction.note
    nodes = model._predictors[0][0].nodes
    real = {(int(n["feature_idx"]), float(n["num_threshold"])) for n in nodes if not n["is_leaf"]}
    counter = extraction.hypothesis[0]
    found = {
        (column, float(np.nextafter(edge, -np.inf)))
        for column, edges in enumerate(counter.bin_edges_)
        for edge in edges[1:-1]
    }
    assert found == real
    records = {(column, float(value)) for column in range(X.shape[1]) for value in X[:, column]}
    assert real <= records


def test_labels_are_enough() -> None:
    model = HistGradientBoostingClassifier(max_iter=1, max_leaf_nodes=4, learning_rate=1.0).fit(X, y)
    extraction = stolen("tree-labels", model)
    assert (extraction.hypothesis.predict(X) == model.predict(X)).all()
    assert "thresholds are exact to float64" in extraction.note


def test_a_budget_that_ends_in_the_middle_leaves_what_was_found() -> None:
    model = HistGradientBoostingRegressor(max_iter=1, max_leaf_nodes=6).fit(X, X[:, 0] * X[:, 1])
    whole = stolen("tree-structure", model)
    for short in (1, 15, 100):
        part = stolen("tree-structure", model, budget=whole.queries - short)
        assert part.queries == whole.queries - short
        assert np.mean(np.abs(part.hypothesis.predict(X) - model.predict(X)) < 1e-12) > 0.97


def test_stumps_are_found_to_float64_too() -> None:
    target = X[:, 0] + 5 * X[:, 1] + X[:, 3]
    model = HistGradientBoostingRegressor(max_iter=20, max_depth=1, learning_rate=0.5).fit(X, target)
    extraction = stolen("stump-scan", model)
    assert np.abs(extraction.hypothesis.predict(X) - model.predict(X)).max() < 1e-9
    assert "20 of 20 random rows" in extraction.note
