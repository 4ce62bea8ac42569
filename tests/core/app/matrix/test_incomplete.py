"""Rows with missing values: models that take them learn from them, all else gets complete ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mex
from mex.app.matrix.scenarios import load_dataset, set_scene
from mex.registry.spec import Spec


def clinic(folder: Path, gaps: int) -> Spec:
    """A table of 80 rows, in every ``gaps``-th of which the age or the colour is missing."""
    rng = np.random.default_rng(0)
    lines = ["age,colour,risk"]
    for i in range(80):
        age, colour = rng.integers(20, 60), "rgb"[i % 3]
        gap, first = i % gaps == 0, i // gaps % 2
        lines.append(f"{'' if gap and first else age},{'' if gap and not first else colour},{'ab'[int(age > 40)]}")
    path = folder / "clinic.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Spec.of(str(path))


def test_a_model_that_takes_missing_values_learns_from_all_rows(registry: mex.Registry, tmp_path: Path) -> None:
    spec = clinic(tmp_path, gaps=4)
    data = load_dataset(registry, spec)
    assert np.isnan(data.X).any(axis=1).sum() == 20
    scene = set_scene(registry, Spec("random-forest", {"trees": 3}), spec, 0)
    trees = scene.target.estimator.estimators_
    assert {tree.tree_.weighted_n_node_samples[0] for tree in trees} == {40}, "half of all rows"
    assert scene.target.domain.incomplete
    assert np.isin(scene.target.answer(data.X, "label"), (0, 1)).all()
    for rows in (scene.train.X, scene.pool.X, *scene.yardstick.points.values()):
        assert np.isfinite(rows).all()


def test_a_model_that_takes_none_gets_the_complete_rows(registry: mex.Registry, tmp_path: Path) -> None:
    scene = set_scene(registry, Spec("logistic"), clinic(tmp_path, gaps=4), 0)
    assert not scene.target.domain.incomplete
    assert [len(rows) for rows in (scene.train.X, scene.pool.X)] == [30, 15], "half and a quarter of 60"


def test_a_table_without_a_complete_row_is_a_mistake(registry: mex.Registry, tmp_path: Path) -> None:
    spec = clinic(tmp_path, gaps=1)
    with pytest.raises(
        mex.UsageError, match="no complete row: each of its 80 has a missing value, most often of 'age', in 40"
    ):
        set_scene(registry, Spec("logistic"), spec, 0)
    with pytest.raises(mex.UsageError, match="too few rows without a missing value to attack and to measure"):
        set_scene(registry, Spec("random-forest", {"trees": 3}), spec, 0)
