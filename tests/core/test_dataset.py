"""Datasets refuse what no model can use, and deal their rows out fairly."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mex
from mex import Dataset, Domain
from mex.app.matrix.split import Split, split


def rows_of(parts: Split) -> list[np.ndarray]:
    return [parts.train.X, parts.pool.X, parts.held_out.X]


def numbered(y: Any, class_names: tuple[str, ...] = ()) -> Dataset:
    """A dataset whose rows are their own numbers."""
    X = np.arange(len(y), dtype=float)[:, None]
    return Dataset("numbers", X, np.asarray(y), Domain.of(X), class_names)


def test_every_row_goes_to_exactly_one_of_train_pool_and_held_out(breast_cancer: Dataset) -> None:
    data = numbered(breast_cancer.y, breast_cancer.class_names)
    parts = split(data, np.random.default_rng(0))
    assert sorted(np.concatenate(rows_of(parts))[:, 0]) == list(range(569))
    for part in (parts.train, parts.pool, parts.held_out):
        assert np.array_equal(part.y, data.y[part.X[:, 0].astype(int)]), "targets stay with their rows"


@given(sizes=st.lists(st.integers(8, 60), min_size=2, max_size=5), seed=st.integers(0, 1000))
def test_half_trains_a_quarter_is_the_pool_and_a_quarter_measures_class_by_class(sizes: list[int], seed: int) -> None:
    y = np.repeat(np.arange(len(sizes)), sizes)
    parts = split(numbered(y, tuple("abcde"[: len(sizes)])), np.random.default_rng(seed))
    for part, share in ((parts.train, 1 / 2), (parts.pool, 1 / 4), (parts.held_out, 1 / 4)):
        assert abs(len(part.y) - share * len(y)) < 2
        counts = np.bincount(part.y, minlength=len(sizes))
        assert np.abs(counts - share * np.array(sizes)).max() <= 1


def test_a_split_is_random_and_the_same_for_the_same_seed(breast_cancer: Dataset) -> None:
    data = numbered(breast_cancer.y, breast_cancer.class_names)
    first, again, other = (split(data, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert all(np.array_equal(a, b) for a, b in zip(rows_of(first), rows_of(again), strict=True))
    assert not np.array_equal(first.train.X, other.train.X)
    assert not (np.diff(first.train.X[:, 0]) > 0).all(), "in random order"
    assert not (np.diff(first.train.y) >= 0).all(), "classes mixed"


def test_a_regression_is_split_in_the_same_shares(diabetes: Dataset) -> None:
    parts = split(diabetes, np.random.default_rng(0))
    assert [len(X) for X in rows_of(parts)] == [222, 110, 110]
    assert parts.dataset is diabetes


def test_a_class_too_rare_to_train_and_to_measure_is_a_mistake() -> None:
    with pytest.raises(mex.UsageError, match=r"too few rows of one class to split \(it has 21 rows\)"):
        split(numbered([0] * 20 + [1], ("a", "b")), np.random.default_rng(0))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"y": np.zeros(569, dtype=int)}, r"'breast-cancer' has one class \('malignant'\); a classifier needs"),
        ({"y": np.zeros(3, dtype=int)}, "has 569 rows and 3 targets"),
        ({"X": np.empty((0, 30)), "y": np.empty(0)}, "has 0 rows and 0 targets"),
        ({"X": np.full((569, 30), np.nan)}, "has values that are missing or infinite"),
        ({"X": np.full((569, 30), np.inf)}, "has values that are missing or infinite"),
        ({"y": np.full(569, np.nan), "class_names": ()}, "has target values that are missing or infinite"),
    ],
)
def test_a_dataset_no_model_can_use_is_a_mistake(breast_cancer: Dataset, change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(mex.UsageError, match=sentence):
        attrs.evolve(breast_cancer, **change)


def test_the_task_is_told_by_the_classes(breast_cancer: Dataset, iris: Dataset, diabetes: Dataset) -> None:
    assert [data.task for data in (breast_cancer, iris, diabetes)] == ["binary", "multiclass", "regression"]


def test_one_class_against_the_rest_is_binary(iris: Dataset, breast_cancer: Dataset) -> None:
    versicolor = iris.one_versus_rest("versicolor")
    assert (versicolor.class_names, versicolor.task) == (("not versicolor", "versicolor"), "binary")
    assert np.array_equal(versicolor.y, (iris.y == 1).astype(int))
    turned = breast_cancer.one_versus_rest("malignant")
    assert turned.class_names == ("benign", "malignant")
    assert np.array_equal(turned.y, 1 - breast_cancer.y)


def test_a_positive_class_that_does_not_exist_is_named_with_the_nearest(iris: Dataset, diabetes: Dataset) -> None:
    with pytest.raises(mex.UsageError, match="'iris' has no class 'versicolour'; did you mean 'versicolor'"):
        iris.one_versus_rest("versicolour")
    with pytest.raises(mex.UsageError, match="'diabetes' is a regression: it has no class to be positive"):
        diabetes.one_versus_rest("sick")
