"""Fits over known thresholds, and cells of mixed labels."""

from __future__ import annotations

import pickle

import numpy as np
from sklearn.ensemble import RandomForestClassifier

import mex
from mex.toolkit.trees.fits import MAX_FEATURES, Forest, mixed_cells
from mex.toolkit.trees.thresholds import Thresholds


def test_a_forest_over_thresholds_predicts_alike_as_one_of_the_features() -> None:
    rng, known = np.random.default_rng(0), Thresholds(mex.Domain([0.0] * 4, [1.0] * 4))
    X = known.grid.cast(rng.random((300, 4)))
    for column, below, above in ((0, 0.25, 0.375), (1, 0.5, 0.75), (1, 0.875, 1.0)):
        known.add(column, below, above)
    y = (X[:, 0] > 0.3).astype(int) + (X[:, 1] > 0.6)
    names = np.array(["a", "b", "c", "d"])
    forest = Forest(known, X, y, names, trees=30, min_leaf=1, rng=rng)
    known.add(2, 0.25, 0.5)  # what is found later changes nothing
    rows = known.grid.cast(rng.random((2000, 4)))
    for column, below, above in zip(known.column, known.below, known.above, strict=True):
        rows = rows[(rows[:, column] <= below) | (rows[:, column] >= above)]  # between them a threshold can be anywhere
    assert len(rows) > 500
    plain = forest.over_features()
    assert np.allclose(plain.predict_proba(rows), forest.votes(rows))
    assert (plain.predict(rows) == forest.predict(rows)).all()
    assert (pickle.loads(pickle.dumps(plain)).predict(rows) == forest.predict(rows)).all()
    assert plain.n_features_in_ == 4


def test_a_forest_is_as_right_as_one_of_scikit_learn() -> None:
    rng, known = np.random.default_rng(0), Thresholds(mex.Domain([0.0] * 6, [1.0] * 6))
    X, rows = known.grid.cast(rng.random((250, 6))), known.grid.cast(rng.random((4000, 6)))
    y, truth = (((Z[:, 0] > 0.3) ^ (Z[:, 1] * Z[:, 2] > 0.3)).astype(int) for Z in (X, rows))
    forest = Forest(known, X, y, np.array([0, 1]), trees=60, min_leaf=3, rng=rng)
    theirs = RandomForestClassifier(60, max_features=MAX_FEATURES, min_samples_leaf=3, random_state=0).fit(X, y)
    ours, others = (np.mean(predicted == truth) for predicted in (forest.predict(rows), theirs.predict(rows)))
    assert abs(ours - others) < 0.015
    assert np.abs(forest.votes(rows) - theirs.predict_proba(rows)).mean() < 0.08


def test_mixed_cells_are_those_of_more_than_one_label() -> None:
    Z = np.random.default_rng(0).random((200, 9)) < 0.5
    y = np.random.default_rng(1).integers(2, size=200)
    mixed = mixed_cells(Z, y)
    for cell in mixed:
        assert (Z[cell] == Z[cell[0]]).all()
        assert len(np.unique(y[cell])) == 2
    others = np.setdiff1d(np.arange(200), np.concatenate(mixed))
    keys = {Z[i].tobytes(): y[i] for i in others}
    assert all(y[i] == keys[Z[i].tobytes()] for i in others)
