"""A fitted model tells what tables it takes: its schema decodes rows into tables that it answers as ever."""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib.resources import as_file, files
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, VotingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, TunedThresholdClassifierCV
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler, TargetEncoder
from sklearn.tree import DecisionTreeClassifier

import mex
from mex.registry.loader import installed

NUMBERS = ["age", "fnlwgt", "education-num", "capital-gain", "capital-loss", "hours-per-week"]
ROWS = 1200


@functools.cache
def adult() -> pd.DataFrame:
    """Rows with missing values among them."""
    with as_file(files("mex_uci").joinpath("data", "adult.csv.gz")) as path:
        return pd.read_csv(path).sample(ROWS, random_state=0).reset_index(drop=True)


def complete() -> pd.DataFrame:
    return adult().dropna().reset_index(drop=True)


TEXTS = [
    *("workclass", "education", "marital-status", "occupation", "relationship", "race", "sex"),
    "native-country",
]


def rows(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(columns="income")


def scaled(encoder: Any, *more: Any) -> Pipeline:
    columns = ColumnTransformer([("texts", encoder, TEXTS), ("numbers", StandardScaler(), NUMBERS), *more])
    return make_pipeline(columns, LogisticRegression(max_iter=200))


def one_hot() -> OneHotEncoder:
    return OneHotEncoder(handle_unknown="ignore")


def by_selectors() -> Pipeline:
    columns = make_column_transformer(
        (one_hot(), make_column_selector(dtype_exclude="number")),
        (StandardScaler(), make_column_selector(dtype_include="number")),
    )
    return make_pipeline(columns, LogisticRegression(max_iter=200))


def ordinal_tree() -> Pipeline:
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = ColumnTransformer([("texts", encoder, TEXTS)], remainder="passthrough")
    return make_pipeline(columns, DecisionTreeClassifier(max_depth=5, random_state=0))


def dummies(columns: list[str]) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda frame: pd.get_dummies(frame, columns=TEXTS, dtype=float).reindex(columns=columns, fill_value=0.0)


def with_dummies() -> Pipeline:
    columns = list(pd.get_dummies(rows(complete()), columns=TEXTS).columns)
    return make_pipeline(FunctionTransformer(dummies(columns)), StandardScaler(), LogisticRegression(max_iter=200))


def imputed() -> Pipeline:
    texts = make_pipeline(SimpleImputer(strategy="most_frequent"), one_hot())
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    columns = ColumnTransformer([("texts", texts, TEXTS), ("numbers", numbers, NUMBERS)])
    return make_pipeline(columns, LogisticRegression(max_iter=200))


def boosted() -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(max_iter=5, categorical_features="from_dtype")


def as_categories(table: pd.DataFrame) -> pd.DataFrame:
    return table.astype(dict.fromkeys(TEXTS, "category"))


WAYS: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "one-hot by names": (lambda: scaled(one_hot()), lambda: rows(complete())),
    "ordinal": (ordinal_tree, lambda: rows(complete())),
    "target encoded": (lambda: scaled(TargetEncoder()), lambda: rows(complete())),
    "selectors": (by_selectors, lambda: rows(complete())),
    "native categories": (boosted, lambda: as_categories(rows(adult()))),
    "dummies": (with_dummies, lambda: rows(complete())),
    "polars": (lambda: scaled(one_hot()), lambda: pl.from_pandas(rows(complete()))),
    "imputed": (imputed, lambda: rows(adult())),
    "missing as a level": (lambda: scaled(one_hot()), lambda: rows(adult())),
    "rare levels": (lambda: scaled(OneHotEncoder(min_frequency=20)), lambda: rows(complete())),
    "calibrated": (lambda: CalibratedClassifierCV(scaled(one_hot()), cv=2), lambda: rows(complete())),
    "tuned": (lambda: TunedThresholdClassifierCV(scaled(one_hot()), cv=2), lambda: rows(complete())),
    "searched": (
        lambda: GridSearchCV(scaled(one_hot()), {"logisticregression__C": [0.1, 1]}, cv=2),
        lambda: rows(complete()),
    ),
    "voting": (
        lambda: VotingClassifier([("a", scaled(one_hot())), ("b", scaled(TargetEncoder()))]),
        lambda: rows(complete()),
    ),
    "union": (
        lambda: make_pipeline(
            FeatureUnion([("a", one_hot()), ("b", OrdinalEncoder())]), RandomForestClassifier(5, random_state=0)
        ),
        lambda: rows(complete())[TEXTS],
    ),
}
ALONE = set(WAYS) - {"dummies"}
"""The ways in which the model knows all levels."""


def sample(table: pd.DataFrame) -> pd.DataFrame:
    """A few rows: not all levels, but a missing value wherever there are any."""
    gaps = [table[name].isna().idxmax() for name in table if table[name].isna().any()]
    return pd.concat([table.head(150), table.loc[gaps]])


@functools.cache
def fitted(way: str) -> tuple[Any, Any]:
    make, take = WAYS[way]
    table = take()
    y = ((adult() if len(table) == ROWS else complete())["income"] == ">50K").astype(int)
    return make().fit(table, y), table


@pytest.mark.parametrize("way", WAYS)
def test_the_tables_that_are_decoded_are_answered_as_the_ones_that_were_encoded(way: str) -> None:
    model, table = fitted(way)
    schema = mex.Schema.of(model, like=table)
    X = schema.encode(table)
    assert schema.domain.objection(X) is None
    decoded = schema.decode(X)
    assert type(decoded) is type(table)
    assert np.array_equal(model.predict(decoded), model.predict(table))
    drawn = schema.decode(schema.domain.sample(50, np.random.default_rng(0)))
    assert len(model.predict(drawn)) == 50, "every row of the domain is answered"


def some_of(table: Any) -> Any:
    return table.head(200) if isinstance(table, pl.DataFrame) else pd.concat([sample(table), table.tail(50)])


@pytest.mark.parametrize("way", list(WAYS)[:7])
def test_such_a_model_is_attacked_as_it_is(way: str) -> None:
    model, table = fitted(way)
    some = some_of(table)
    stolen = mex.attack("passive:model=decision-tree", model, like=table, pool=some, budget=200, registry=installed())
    whole = ~np.isnan(mex.Schema.of(model, like=table).encode(some)).any(axis=1)
    known = some.filter(whole) if isinstance(some, pl.DataFrame) else some[whole]
    assert np.mean(stolen.hypothesis.predict(known) == model.predict(known)) > 0.75
    assert stolen.agreement is not None


@pytest.mark.parametrize("way", WAYS)
def test_such_a_model_is_served_as_it_is(way: str) -> None:
    model, table = fitted(way)
    served = mex.DefendedClassifier.wrap(model, "none", table)
    assert np.array_equal(served.predict(some_of(table)), model.predict(some_of(table)))


@pytest.mark.parametrize("way", ["one-hot by names", "native categories", "polars"])
def test_such_a_model_is_measured_in_a_matrix(way: str) -> None:
    model, table = fitted(way)
    y = ((adult() if len(table) == ROWS else complete())["income"] == ">50K").astype(int)
    plan = {"attacks": ["passive:model=logistic"], "defenses": ["none"], "seeds": 1, "budget": 60}
    (record,) = mex.matrix(plan, models={"mine": model}, data=(table, y.to_numpy()), registry=installed())
    assert (record["status"], record["reason"]) == ("ok", None)
    assert record["target_accuracy"] > 0.75


@pytest.mark.parametrize("way", sorted(ALONE))
def test_levels_that_the_table_lacks_are_read_off_the_model(way: str) -> None:
    model, table = fitted(way)
    few = table.head(150) if isinstance(table, pl.DataFrame) else sample(table)
    shown = mex.Schema.of(few)
    known = mex.Schema.of(model, like=few)
    whole = mex.Schema.of(table)
    levels = {column.name: set(column.levels) for column in whole.columns}
    assert {column.name: set(column.levels) for column in known.columns} == levels
    if way != "native categories":  # there the dtype tells them
        assert {column.name: set(column.levels) for column in shown.columns} != levels
    assert len(known.encode(table)) == len(table)


@pytest.mark.parametrize("way", sorted(ALONE))
def test_a_model_alone_tells_its_columns_and_levels(way: str) -> None:
    model, table = fitted(way)
    alone, like = mex.Schema.of(model), mex.Schema.of(model, like=table)
    assert [column.name for column in alone.columns] == [column.name for column in like.columns]
    assert [column.levels for column in alone.columns] == [column.levels for column in like.columns]
    if not isinstance(table, pl.DataFrame):
        known = mex.Schema.of(model, like=table).complete()
        whole = ~np.isnan(mex.Schema.of(table).encode(table)).any(axis=1)
        X = known.encode(table[whole])
        assert np.array_equal(model.predict(alone.decode(X)), model.predict(table[whole]))


def test_missing_values_are_optional_where_the_table_or_an_encoder_has_them() -> None:
    for way in ("imputed", "missing as a level", "native categories"):
        model, table = fitted(way)
        optional = [column.name for column in mex.Schema.of(model, like=table).columns if column.optional]
        assert optional == ["workclass", "occupation", "native-country"]
    model, table = fitted("missing as a level")
    schema = mex.Schema.of(model, like=table.dropna())
    assert [column.name for column in schema.columns if column.optional] == [
        "workclass",
        "occupation",
        "native-country",
    ]
    assert len(schema.encode(table)) == ROWS, "the encoder knows rows that the table lacks"


def test_columns_stand_in_the_order_of_the_model() -> None:
    model, table = fitted("one-hot by names")
    backwards = table[list(table)[::-1]].assign(more="?")
    schema = mex.Schema.of(model, like=backwards)
    assert [column.name for column in schema.columns] == list(table)
    assert np.array_equal(model.predict(schema.decode(schema.encode(backwards))), model.predict(table))


def test_numbers_that_a_model_encodes_are_categories() -> None:
    table = pd.DataFrame({"k": [10, 20, 30, 20], "x": [0.5, 1.5, 2.5, 3.5]})
    encoder = ColumnTransformer([("k", OneHotEncoder(), ["k"])], remainder="passthrough")
    model = make_pipeline(encoder, LogisticRegression()).fit(table, [0, 1, 0, 1])
    schema = mex.Schema.of(model, like=table.head(2))
    assert schema.domain.names == ("k=10", "k=20", "k=30", "x")
    decoded = schema.decode([[0, 0, 1, 0.5]])
    assert decoded["k"].tolist() == [30]
    assert decoded["k"].dtype == table["k"].dtype
    with_gap = pd.DataFrame({"k": [10, np.nan, 30], "x": [0.5, 1.5, 2.5]})
    assert mex.Schema.of(model, like=with_gap).columns[0].levels == (10, 20, 30)


def test_columns_are_followed_through_steps_that_leave_them() -> None:
    table = rows(complete())[TEXTS[:3]]
    y = complete()["income"]
    impute = SimpleImputer(strategy="most_frequent").set_output(transform="pandas")
    for first in (impute, "passthrough", FunctionTransformer()):
        model = make_pipeline(first, one_hot(), LogisticRegression()).fit(table, y)
        levels = [len(column.levels) for column in mex.Schema.of(model, like=table.head(20)).columns]
        assert levels == [table[name].nunique() for name in table]


def test_a_model_of_arrays() -> None:
    X = np.array([["a", "x"], ["b", "y"], ["c", "x"]], dtype=object)
    model = make_pipeline(OneHotEncoder(), LogisticRegression()).fit(X, [0, 1, 0])
    assert [column.levels for column in mex.Schema.of(model).columns] == [("a", "b", "c"), ("x", "y")]
    schema = mex.Schema.of(model, like=X[:2])
    assert schema.decode([[0, 0, 1, 1, 0]]).tolist() == [["c", "x"]]
    tree = DecisionTreeClassifier().fit(np.arange(6.0).reshape(3, 2), [0, 1, 0])
    alone = mex.Schema.of(tree)
    assert alone.precision == "float32"
    assert not alone.domain.bounded
    assert alone.decode([[0.5, 1.0]]).dtype == np.float64


def test_a_csv_file_shows_what_a_model_takes(tmp_path: Any) -> None:
    model, table = fitted("one-hot by names")
    complete().to_csv(tmp_path / "adult.csv")
    schema = mex.Schema.of(model, like=tmp_path / "adult.csv")
    assert schema.columns == mex.Schema.of(model, like=table).columns
    assert mex.Schema.of(str(tmp_path / "adult.csv")).columns[-1].name == "income"


def test_a_function_takes_what_the_table_shows() -> None:
    table = rows(complete())
    schema = mex.Schema.of(lambda frame: frame["age"], like=table)
    assert schema.columns == mex.Schema.of(table).columns


@pytest.mark.parametrize(
    ("model", "like", "sentence"),
    [
        (lambda X: X, None, "function does not tell its columns: give a table as it takes them (like=)"),
        (
            "one-hot by names",
            {"age": [1]},
            "the model takes a column 'workclass', and the table has none; there are: age",
        ),
        ("array", np.zeros((2, 3)), "the model takes 2 columns and the table has 3; give those that it takes"),
    ],
)
def test_what_does_not_fit_is_one_sentence(model: Any, like: Any, sentence: str) -> None:
    if model == "array":
        model = LogisticRegression().fit(np.eye(2), [0, 1])
    model = fitted(model)[0] if isinstance(model, str) else model
    with pytest.raises(mex.UsageError) as error:
        mex.Schema.of(model, like=like)
    assert str(error.value) == sentence


def boosters() -> list[Any]:
    return [
        pytest.param("lightgbm", "LGBMClassifier", {"n_estimators": 5, "verbose": -1}, id="lightgbm"),
        pytest.param("xgboost", "XGBClassifier", {"n_estimators": 5, "enable_categorical": True}, id="xgboost"),
    ]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("library", "name", "options"), boosters())
def test_boosters_with_categories_of_their_own(library: str, name: str, options: dict[str, Any]) -> None:
    model = getattr(pytest.importorskip(library), name)(**options)
    table = as_categories(rows(adult()))
    y = (adult()["income"] == ">50K").astype(int)
    model.fit(table, y)
    few = as_categories(sample(rows(adult())))[list(table)[::-1]]
    schema = mex.Schema.of(model, like=few)
    assert [column.name for column in schema.columns] == list(table)
    assert np.array_equal(model.predict(schema.decode(schema.encode(table))), model.predict(table))
    assert [c.levels for c in mex.Schema.of(model).columns] == [c.levels for c in schema.columns]
    assert schema.precision == {"lightgbm": "float64", "xgboost": "float32"}[library]


@pytest.mark.filterwarnings("ignore")
def test_catboost_tells_which_columns_are_categories_and_not_their_levels() -> None:
    catboost = pytest.importorskip("catboost")
    table = rows(complete())[["age", "sex", "education-num"]]
    y = complete()["income"]
    model = catboost.CatBoostClassifier(
        iterations=5, verbose=0, allow_writing_files=False, cat_features=["sex", "education-num"]
    ).fit(table, y)
    schema = mex.Schema.of(model, like=table)
    assert [column.kind for column in schema.columns] == ["integer", "category", "category"]
    assert np.array_equal(model.predict(schema.decode(schema.encode(table))), model.predict(table))
