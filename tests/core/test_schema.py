"""A schema goes from the tables that clients send to the rows of a domain and back, without loss."""

from __future__ import annotations

import json
import pickle
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mex
from mex.schema import Column
from mex.toolkit.tabular.frames import LIBRARIES

DTYPES: dict[str, dict[str, list[str]]] = {
    "pandas": {
        "number": ["float64", "Float64", "arrow double", "object"],
        "integer": ["int64", "Int64", "uint8", "float64", "arrow int16", "object with None"],
        "boolean": ["bool", "boolean", "arrow bool", "object with None"],
        "category": ["str in python", "string in pyarrow", "object", "object with None", "category", "arrow string"],
    },
    "polars": {
        "number": ["Float64"],
        "integer": ["Int64", "UInt8", "Float64"],
        "boolean": ["Boolean"],
        "category": ["String", "Enum", "Categorical"],
    },
    "pyarrow": {
        "number": ["double"],
        "integer": ["int64", "uint8", "double"],
        "boolean": ["bool"],
        "category": ["string", "large_string", "dictionary<values=string, indices=int32, ordered=0>"],
    },
    "numpy": {kind: ["object"] for kind in ("number", "integer", "boolean", "category")},
    "records": {kind: [""] for kind in ("number", "integer", "boolean", "category")},
    "columns": {kind: [""] for kind in ("number", "integer", "boolean", "category")},
}
CANNOT_MISS = {"int64", "uint8", "bool"}
"""The dtypes of pandas without a missing value."""


@st.composite
def columns(draw: st.DrawFn, frame: str) -> Column:
    name = draw(st.text("abc äß=,'\"0", min_size=1, max_size=4))
    kind = draw(st.sampled_from(["number", "integer", "boolean", "category"]))
    dtype = draw(st.sampled_from(DTYPES[frame][kind]))
    optional = draw(st.booleans()) and not (frame == "pandas" and dtype in CANNOT_MISS)
    if kind == "category":
        levels = draw(st.lists(st.text(max_size=5), min_size=1, max_size=6, unique=True))
        return Column(name, kind, levels=levels, optional=optional, dtype=dtype)
    if kind == "boolean":
        return Column(name, kind, optional=optional, dtype=dtype)
    lower, upper = sorted(draw(st.tuples(st.integers(0, 100), st.integers(0, 100))))
    return Column(name, kind, lower, upper, optional=optional, dtype=dtype)


@st.composite
def schemas(draw: st.DrawFn) -> mex.Schema:
    frame = draw(st.sampled_from(sorted(LIBRARIES)))
    found = draw(st.lists(columns(frame), min_size=1, max_size=6, unique_by=lambda column: column.name))
    return mex.Schema(found, LIBRARIES[frame])


def rows(schema: mex.Schema, n: int, rng: np.random.Generator) -> np.ndarray:
    """Rows of the domain, with gaps where columns are optional."""
    X = schema.domain.sample(n, rng)
    start = 0
    for column in schema.columns:
        k = len(column.features)
        if column.optional:
            X[rng.random(n) < 0.3, start : start + k] = np.nan
        start += k
    return X


@settings(max_examples=40, deadline=None)
@given(schema=schemas(), n=st.integers(1, 20), seed=st.integers(0, 1000))
def test_rows_come_back_as_they_were(schema: mex.Schema, n: int, seed: int) -> None:
    X = rows(schema, n, np.random.default_rng(seed))
    assert schema.domain.objection(X) is None
    table = schema.decode(X)
    assert np.array_equal(schema.encode(table), X, equal_nan=True)
    again = mex.Schema.of(json.loads(json.dumps(schema.to_dict())))
    assert again.columns == schema.columns
    assert np.array_equal(again.encode(again.decode(X)), X, equal_nan=True)


TEXTS = st.text(max_size=4)
SERIES = st.sampled_from(
    [
        (st.floats(-9, 9), "float64", True),
        (st.floats(-9, 9, width=32), "float32", True),
        (st.floats(-9, 9), "Float64", True),
        (st.integers(-9, 9), "int8", False),
        (st.integers(-(2**53), 2**53), "int64", False),
        (st.integers(0, 9), "UInt16", True),
        (st.integers(0, 9), "int64[pyarrow]", True),
        (st.booleans(), "bool", False),
        (st.booleans(), "boolean", True),
        (st.booleans(), "object", True),
        (TEXTS, "str", True),
        (TEXTS, "string[python]", True),
        (TEXTS, "object", True),
        (TEXTS, "category", True),
        (st.integers(0, 4), "category", True),
        (TEXTS | st.integers(0, 9), "object", True),
        (TEXTS, pd.ArrowDtype(pa.string()), True),
    ]
)


@st.composite
def series(draw: st.DrawFn, n: int) -> Any:
    values, dtype, may_miss = draw(SERIES)
    found = draw(st.lists(values, min_size=n, max_size=n))
    if may_miss and n > 1:
        gaps = draw(st.sets(st.integers(0, n - 1), max_size=n - 1))
        found = [None if i in gaps else value for i, value in enumerate(found)]
    return pd.Series(found, dtype=dtype)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_tables_come_back_as_they_were(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 8))
    names = data.draw(st.lists(st.text(max_size=3), min_size=1, max_size=5, unique=True))
    table = pd.DataFrame({name: data.draw(series(n)) for name in names})
    schema = mex.Schema.of(table)
    X = schema.encode(table)
    assert schema.domain.objection(X) is None
    pd.testing.assert_frame_equal(schema.decode(X), table)
    assert [column.name for column in schema.columns] == names


def people() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "age": [41, 17, 60],
            "income": [1.5, np.nan, 2.25],
            "sex": ["m", "f", "m"],
            "grade": pd.Categorical(["b", None, "a"], categories=["b", "a", "c"], ordered=True),
            "member": [True, False, True],
        }
    )


def test_the_domain_is_what_an_attack_sees() -> None:
    domain = mex.Schema.of(people()).domain
    names = ("age", "income", "sex=f", "sex=m", "grade=b", "grade=a", "grade=c", "member")
    assert domain.names == names
    assert domain.lower.tolist() == [17, 1.5, 0, 0, 0, 0, 0, 0]
    assert domain.upper.tolist() == [60, 2.25, 1, 1, 1, 1, 1, 1]
    assert domain.integer.tolist() == [True, False, False, False, False, False, False, True]
    assert domain.groups == ((2, 3), (4, 5, 6))
    assert domain.incomplete


def test_a_missing_value_is_missing_in_all_features_of_its_column() -> None:
    table = people()
    schema = mex.Schema.of(table)
    X = schema.encode(table)
    assert X[0].tolist() == [41, 1.5, 0, 1, 1, 0, 0, 1]
    assert np.isnan(X[1]).tolist() == [False, True, False, False, True, True, True, False]
    assert not schema.complete().domain.incomplete


def test_columns_are_found_by_name_and_others_left_alone() -> None:
    table = people()
    schema = mex.Schema.of(table)
    shuffled = table[["member", "grade", "sex", "income", "age"]].assign(more=1)
    assert np.array_equal(schema.encode(shuffled), schema.encode(table), equal_nan=True)
    assert list(schema.decode(schema.encode(shuffled))) == list(table)


def test_a_table_of_any_library_is_encoded() -> None:
    table = people()
    schema = mex.Schema.of(table)
    X = schema.encode(table)
    others = [pl.from_pandas(table), pa.Table.from_pandas(table), table.to_dict("records"), table.to_numpy(object)]
    for other in others:
        assert np.array_equal(schema.encode(other), X, equal_nan=True)


def test_a_sole_level_is_always_there() -> None:
    schema = mex.Schema.of({"a": ["x", "x"]})
    assert (schema.domain.lower.tolist(), schema.domain.upper.tolist()) == ([1], [1])
    assert schema.decode([[1]]) == {"a": ["x"]}


def test_a_dtype_with_levels_that_nothing_has_keeps_them_and_the_model_gets_no_others() -> None:
    schema = mex.Schema.of(pd.DataFrame({"c": pd.Categorical(["a", "b"], categories=["c", "b", "a"])}))
    assert schema.columns[0].levels == ("c", "b", "a")
    wider = pd.DataFrame({"c": pd.Categorical(["a"], categories=["a", "b", "c", "d"])})
    assert schema.decode(schema.encode(wider))["c"].cat.categories.tolist() == ["c", "b", "a"]


@pytest.mark.parametrize(("level", "strange"), [(10, "10"), ("10", 10), ("1.0", 1), ("True", True)])
def test_a_number_is_not_the_text_that_it_is_written_as(level: Any, strange: Any) -> None:
    schema = mex.Schema([Column("c", "category", levels=[level, "z"])], LIBRARIES["records"])
    with pytest.raises(
        mex.UsageError, match=f"row 1: column 'c' is {strange!r}, not one of its 2 levels {level!r}, 'z'"
    ):
        schema.encode([{"c": level}, {"c": strange}])
    decoded = schema.decode([[1, 0]])[0]["c"]
    assert (decoded, type(decoded)) == (level, type(level))


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ([{"x": 1}], "the table has no column 'c'; there are: x"),
        ([{"x": 1, "c": "a"}, {"x": 1}], "row 1 has no 'c'"),
        ([{"x": "12", "c": "a"}], "row 0: column 'x' takes numbers, not '12'"),
        ([{"x": 0.5, "c": "a"}], "row 0: column 'x' takes whole numbers, not 0.5"),
        ([{"x": None, "c": "a"}], "row 0: column 'x' may not be missing"),
        ([{"x": 1, "c": "a"}, {"x": 1, "c": "A"}], "row 1: column 'c' is 'A', not one of its 2 levels 'a', 'b'"),
        ([[1, "a", 3]], "the table has no column 'x'; there are: 0, 1, 2"),
        (np.zeros(3), "a table must be a data frame, an array of rows and columns or a list of mappings, not ndarray"),
        (3, "a table must be a data frame, an array of rows and columns or a list of mappings, not int"),
        (pd.DataFrame([[1, 2]], columns=["x", "x"]), "unique column names"),
    ],
)
def test_a_table_that_is_none_is_one_sentence(table: Any, sentence: str) -> None:
    schema = mex.Schema(
        [Column("x", "integer"), Column("c", "category", levels="ab", optional=True)], LIBRARIES["records"]
    )
    with pytest.raises(mex.UsageError) as error:
        schema.encode(table)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ([1, 0, 1], "rows of this schema have 4 features, shape (n, 4), not (2, 3)"),
        ([1.5, 0, 1, 0], "row 1: column 'x' takes whole numbers, not 1.5"),
        ([np.nan, 0, 1, 0], "row 1: column 'x' may not be missing"),
        ([1, 0.9, 0, 0], "row 1: column 'c' must have exactly one of its features 1, the others 0"),
        ([1, 1, 1, 0], "row 1: column 'c' must have exactly one of its features 1, the others 0"),
        ([1, 0, 0, 0], "row 1: column 'c' must have exactly one of its features 1, the others 0"),
        ([1, 2, -1, 0], "row 1: column 'c' must have exactly one of its features 1, the others 0"),
        ([1, np.nan, 1, 0], "row 1: column 'c' must have exactly one of its features 1, the others 0"),
        ([1, np.inf, 1, 0], "row 1: column 'c' must have exactly one of its features 1, the others 0"),
        ([1, 0, 1, 0.5], "row 1: column 'b' is a truth value, 0 or 1, not 0.5"),
    ],
)
def test_a_row_that_no_table_gives_is_one_sentence(row: list[float], sentence: str) -> None:
    parts = [Column("x", "integer"), Column("c", "category", levels="ab", optional=True), Column("b", "boolean")]
    schema = mex.Schema(parts, LIBRARIES["records"])
    good = [1, 1, 0, 1][: len(row)]
    with pytest.raises(mex.UsageError) as error:
        schema.decode([good, row])
    assert str(error.value) == sentence


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"t": pd.to_datetime(["2024-01-01"])}, "column 't' is of type Datetime"),
        ({"t": [[1, 2]]}, "column 't'"),
        ({"t": [object()]}, "column 't' holds values of type object, neither numbers nor a category"),
        ({"t": [2**60]}, "column 't' has whole numbers beyond 2**53, which no float64 holds"),
        ({"t": [np.inf, 1]}, "column 't' has infinite values"),
        ({"t": [None, None]}, "column 't' has no value in any row"),
        ({"t": [1j]}, "column 't'"),
    ],
)
def test_a_column_that_is_neither_numbers_nor_a_category_is_one_sentence(table: Any, sentence: str) -> None:
    with pytest.raises(mex.UsageError) as error:
        mex.Schema.of(pd.DataFrame(table))
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Column("a", "category"), "a category has levels, all different, and nothing else has any"),
        (lambda: Column("a", "category", levels=["x", "x"]), "a category has levels, all different"),
        (lambda: Column("a", "number", levels=["x"]), "a category has levels, all different"),
        (lambda: Column("a", "number", 2, 1), "column 'a' has lower bound 2 and upper 1"),
        (lambda: Column("a", "date"), "kind must be one of number, integer, boolean, category, not 'date'"),
        (lambda: mex.Schema([], LIBRARIES["numpy"]), "a schema has one or more columns of different names, not []"),
        (lambda: mex.Schema([Column("a"), Column("a")], LIBRARIES["numpy"]), "of different names, not ['a', 'a']"),
        (lambda: mex.Schema.of({"frame": "dask", "columns": []}), "a schema's frame is one of pandas, polars"),
    ],
)
def test_a_schema_that_cannot_be_is_one_sentence(make: Any, sentence: str) -> None:
    with pytest.raises(mex.UsageError) as error:
        make()
    assert sentence in str(error.value)


def test_precision_is_that_of_the_floats() -> None:
    assert mex.Schema.of(np.zeros((2, 2), np.float32)).precision == "float32"
    assert mex.Schema.of(pd.DataFrame({"a": np.zeros(2, np.float32), "b": [1, 2]})).precision == "float32"
    assert mex.Schema.of(pd.DataFrame({"a": np.zeros(2, np.float32), "b": [1.0, 2]})).precision == "float64"
    assert mex.Schema.of(np.zeros((2, 2))).precision == "float64"


def test_many_rows_are_encoded_as_few_are() -> None:
    """More rows than a block holds, with gaps in the last block only."""
    rng = np.random.default_rng(0)
    n = 5000
    table = pd.DataFrame({"x": rng.random(n), "c": rng.choice(["a", "b"], n).astype(object), "b": rng.random(n) < 0.5})
    table.loc[n - 1, "c"] = None
    schema = mex.Schema.of(table)
    X = schema.encode(table)
    assert np.array_equal(X[:, 0], table["x"])
    assert np.array_equal(X[:-1, 2], table["c"][:-1] == "b")
    assert np.isnan(X[-1, 1:3]).all()
    pd.testing.assert_frame_equal(schema.decode(X), table)
    X[n - 2, 1:3] = 1
    with pytest.raises(mex.UsageError, match="row 4998: column 'c'"):
        schema.decode(X)


def test_a_schema_can_be_pickled_also_when_it_has_been_used() -> None:
    table = people()
    schema = mex.Schema.of(table)
    X = schema.encode(table)
    again = pickle.loads(pickle.dumps(schema))
    pd.testing.assert_frame_equal(again.decode(X), table)
