"""Tables become datasets whose every row the domain accepts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from mex import UsageError
from mex.toolkit.tabular.datasets import class_name, dataset_of

TABLE = {
    "age": [1.0, 2.5, 3.0, 3.0],
    "city": ["Paris", "Nice", "Paris", "Lyon"],
    "code": [10, 9, 9, None],
    "y": ["b", "a", "b", "c"],
}


def test_numbers_are_features_and_texts_are_one_hot() -> None:
    dataset = dataset_of("t", TABLE, target="y", complete=True)
    assert dataset.domain.names == ("age", "city=Nice", "city=Paris", "code")
    assert dataset.domain.groups == ((1, 2),)
    assert dataset.X.tolist() == [[1, 0, 1, 10], [2.5, 1, 0, 9], [3, 0, 1, 9]]
    assert dataset.domain.integer.tolist() == [False, False, False, True]
    assert (dataset.domain.lower[0], dataset.domain.upper[0]) == (1, 3)
    assert dataset.target == "y"


def test_a_row_with_a_missing_value_leaves_no_trace_but_a_note_where_complete_rows_are_wanted() -> None:
    dataset = dataset_of("t", TABLE, target="y", complete=True)
    assert "city=Lyon" not in dataset.domain.names
    assert dataset.notes == ("1 of 4 rows have missing values and are left out",)


def test_a_row_with_a_missing_value_stays_otherwise() -> None:
    dataset = dataset_of("t", TABLE, target="y")
    assert dataset.X.shape == (4, 5)
    assert np.isnan(dataset.X[3, 4])
    assert dataset.domain.incomplete
    assert dataset.domain.objection(dataset.X) is None
    whole = dataset.complete()
    assert whole.X.shape == (3, 5)
    assert not whole.domain.incomplete
    assert whole.notes == ("1 of 4 rows have missing values and are left out",)
    assert whole.schema is not None
    assert not any(column.optional for column in whole.schema.columns)


def test_a_row_without_a_target_is_left_out_and_counted() -> None:
    dataset = dataset_of("t", {"x": [1, 2, 3, 4], "y": ["a", None, "b", "b"]}, target="y")
    assert dataset.X[:, 0].tolist() == [1, 3, 4]
    assert dataset.y.tolist() == [0, 1, 1]
    assert dataset.notes == ("1 of 4 rows have no 'y' and are left out",)


def test_codes_are_categories_in_the_order_of_numbers() -> None:
    dataset = dataset_of("t", TABLE, target="y", categorical=["code"], complete=True)
    assert dataset.domain.names[-2:] == ("code=9", "code=10")
    assert dataset.X[:, -2:].tolist() == [[0, 1], [1, 0], [1, 0]]


@pytest.mark.parametrize("library", [dict, pd.DataFrame, pl.DataFrame, lambda t: pl.DataFrame(t).to_arrow()])
def test_the_table_of_any_library_is_the_same_dataset(library: Any) -> None:
    expected = dataset_of("t", TABLE, target="y")
    dataset = dataset_of("t", library(TABLE), target="y")
    assert np.array_equal(dataset.X, expected.X, equal_nan=True)
    assert dataset.class_names == expected.class_names
    assert dataset.domain.names == expected.domain.names
    assert dataset.y.tolist() == expected.y.tolist()


def test_the_rows_of_a_dataset_are_decoded_into_the_table_that_they_were() -> None:
    table = pd.DataFrame(TABLE)
    dataset = dataset_of("t", table, target="y")
    assert dataset.schema is not None
    pd.testing.assert_frame_equal(dataset.schema.decode(dataset.X), table.drop(columns="y"))


@pytest.mark.parametrize(("distinct", "task"), [(20, "multiclass"), (21, "regression")])
def test_many_numbers_are_a_regression(distinct: int, task: str) -> None:
    table = {"x": list(range(50)), "y": [i % distinct for i in range(50)]}
    dataset = dataset_of("t", table, target="y")
    assert dataset.task == task
    assert dataset.y.tolist() == table["y"]
    assert dataset.class_names == (() if task == "regression" else tuple(map(str, range(distinct))))


def test_the_task_may_be_given() -> None:
    table = {"x": list(range(30)), "y": list(range(30))}
    assert len(dataset_of("t", table, target="y", task="classification").class_names) == 30
    few = {name: values[:3] for name, values in table.items()}
    assert dataset_of("t", few, target="y", task="regression").task == "regression"


@pytest.mark.parametrize(
    ("y", "names"),
    [
        ([1, 1.0, 2], ("1", "2")),
        ([10, 9, 9], ("9", "10")),
        (["10", "9", "9"], ("9", "10")),
        ([0.5, 1.5, 0.5], ("0.5", "1.5")),
        ([True, False, True], ("false", "true")),
        (pd.Categorical(["lo", "hi", "lo"], categories=["lo", "hi", "never"]), ("hi", "lo")),
    ],
)
def test_classes_are_sorted_and_named_by_their_values(y: Any, names: tuple[str, ...]) -> None:
    dataset = dataset_of("t", pd.DataFrame({"x": [1, 2, 3], "y": y}), target="y")
    assert dataset.class_names == names
    assert [dataset.class_names[i] for i in dataset.y] == [class_name(value) for value in pd.Series(y).tolist()]


@pytest.mark.parametrize(
    ("table", "options", "sentence"),
    [
        (TABLE, {"target": "aeg"}, "dataset 't' has no column 'aeg'; did you mean 'age'?"),
        ({"y": [1, 2]}, {"target": "y"}, "no column beside its target"),
        ({"x": [None, 1], "z": [1, None], "y": [1, 2]}, {"target": "y", "complete": True}, "no complete row"),
        (TABLE, {"target": "y", "task": "regression"}, "target 'y' is not numbers only"),
        ({"x": [1, 2], "y": ["b", "b"]}, {"target": "y"}, "has one class ('b')"),
        ({"x": [1, np.inf], "y": [1, 2]}, {"target": "y"}, "column 'x' has infinite values"),
        ({"x": [1, 2], "y": [None, None]}, {"target": "y"}, "column 'y' has no value in any row"),
        (
            {"x": [1.0] * 50, "y": [f"n {i}" for i in range(50)]},
            {"target": "y"},
            "target 'y' has 50 different texts in 50 rows: name another target",
        ),
    ],
)
def test_what_is_no_dataset_is_refused_in_a_sentence(table: Any, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError) as error:
        dataset_of("t", table, **options)
    assert sentence in str(error.value)


def test_a_dataset_without_a_complete_row_says_which_column_is_missing_most() -> None:
    table = {"x": [None, 1, None], "z": [1, None, None], "k": [1, 2, 3], "y": [0, 1, 0]}
    dataset = dataset_of("t", {**table, "z": [None, None, 2]}, target="y")
    with pytest.raises(
        UsageError, match="no complete row: each of its 3 has a missing value, most often of 'x', in 2 of"
    ):
        dataset.complete()
