"""Tables of text become datasets whose every row the domain accepts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mex import UsageError
from mex.toolkit.tabular import MISSING, MOST_CATEGORIES, encode

HEADER = ["age", "city", "code", "y"]
ROWS = [["1", "Paris", "10", "b"], ["2.5", "Nice", "9", "a"], ["3", "Paris", "9", "b"], ["3", "Lyon", "?", "c"]]


def test_numbers_are_features_and_texts_are_one_hot() -> None:
    dataset = encode("t", HEADER, ROWS, target="y")
    assert dataset.domain.names == ("age", "city=Nice", "city=Paris", "code")
    assert dataset.domain.groups == ((1, 2),)
    assert dataset.X.tolist() == [[1, 0, 1, 10], [2.5, 1, 0, 9], [3, 0, 1, 9]]
    assert dataset.domain.integer.tolist() == [False, False, False, True]
    assert (dataset.domain.lower[0], dataset.domain.upper[0]) == (1, 3)


def test_a_row_with_a_missing_value_leaves_no_trace() -> None:
    dataset = encode("t", HEADER, ROWS, target="y")
    assert dataset.class_names == ("a", "b")
    assert "city=Lyon" not in dataset.domain.names


def test_a_missing_value_in_a_column_left_out_does_not_matter() -> None:
    dataset = encode("t", HEADER, ROWS, target="y", left_out=["code"])
    assert dataset.X.shape == (4, 4)
    assert dataset.class_names == ("a", "b", "c")


def test_codes_are_categories_in_the_order_of_numbers() -> None:
    dataset = encode("t", HEADER, ROWS, target="y", categorical=["code"])
    assert dataset.domain.names[-2:] == ("code=9", "code=10")
    assert dataset.X[:, -2:].tolist() == [[0, 1], [1, 0], [1, 0]]


@pytest.mark.parametrize(("distinct", "task"), [(20, "multiclass"), (21, "regression")])
def test_many_numbers_are_a_regression(distinct: int, task: str) -> None:
    rows = [[str(i), str(i % distinct)] for i in range(50)]
    dataset = encode("t", ["x", "y"], rows, target="y")
    assert dataset.task == task
    assert dataset.y.tolist() == [i % distinct for i in range(50)]
    assert dataset.class_names == (() if task == "regression" else tuple(map(str, range(distinct))))


def test_the_task_may_be_given() -> None:
    rows = [[str(i), str(i)] for i in range(30)]
    assert len(encode("t", ["x", "y"], rows, target="y", task="classification").class_names) == 30
    assert encode("t", ["x", "y"], rows[:3], target="y", task="regression").task == "regression"


@pytest.mark.parametrize(
    ("rows", "options", "sentence"),
    [
        (ROWS, {"target": "aeg"}, "dataset 't' has no column 'aeg'; did you mean 'age'?"),
        (ROWS, {"target": "y", "left_out": HEADER}, "no column beside its target"),
        ([["", "x", "1", "a"]], {"target": "y"}, "no complete row: each of its 1 rows has a missing value"),
        (ROWS, {"target": "y", "task": "regression"}, "target 'y' is not numbers only"),
        (ROWS[:1], {"target": "y"}, "has one class ('b')"),
        ([["1", "x", "inf", "a"], ["1", "x", "1", "b"]], {"target": "y"}, "missing or infinite"),
        (
            [["1", f"name {i}", "1", "ab"[i % 2]] for i in range(MOST_CATEGORIES + 1)],
            {"target": "y"},
            "column 'city' has 1001 different texts, and a category may have 1000",
        ),
    ],
)
def test_what_is_no_dataset_is_refused_in_a_sentence(
    rows: list[list[str]], options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UsageError) as error:
        encode("t", HEADER, rows, **options)
    assert sentence in str(error.value)


FIELDS = st.sampled_from([*MISSING, "0", "-1", "2.5", "1e400", "-nan", "a", "b", "1_0"]) | st.text(max_size=3)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(FIELDS, FIELDS, FIELDS), max_size=12))
def test_any_text_is_encoded_or_refused(rows: list[tuple[str, str, str]]) -> None:
    try:
        dataset = encode("t", ["p", "q", "y"], rows, target="y")
    except UsageError:
        return
    assert dataset.domain.objection(dataset.X) is None
    assert len(dataset.X) == sum(MISSING.isdisjoint(row) for row in rows)
    assert len(dataset.domain.names) == dataset.X.shape[1]
    if dataset.class_names:
        present = [row[2] for row in rows if MISSING.isdisjoint(row)]
        assert [dataset.class_names[i] for i in dataset.y] == present
        assert np.array_equal(np.unique(dataset.y), np.arange(len(dataset.class_names)))
