"""A model of tables is attacked as it is, and the stolen model takes the same tables."""

from __future__ import annotations

import functools
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import is_classifier
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

import mex
from mex.schema import Column
from mex.toolkit.tabular.frames import LIBRARIES


@functools.cache
def people() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    n = 400
    return pd.DataFrame(
        {
            "age": rng.integers(18, 90, n),
            "colour": rng.choice(["red", "green", "blue"], n),
            "income": rng.normal(3, 1, n).round(2),
            "member": rng.random(n) < 0.5,
        }
    )


def labels() -> Any:
    table = people()
    score = table["age"] / 30 + (table["colour"] == "red") - table["income"] + table["member"]
    return np.where(score > score.median(), "yes", "no")


def encoded(encoder: Any, final: Any) -> Any:
    columns = ColumnTransformer(
        [("texts", encoder, ["colour"]), ("numbers", StandardScaler(), ["age", "income", "member"])]
    )
    return make_pipeline(columns, final)


@functools.cache
def linear() -> Any:
    return encoded(OneHotEncoder(), LogisticRegression(C=100)).fit(people(), labels())


@pytest.mark.parametrize("frames", [True, False])
def test_a_linear_model_with_texts_falls_to_pivot(frames: bool) -> None:
    model, table = linear(), people()
    like = table if frames else mex.Schema.of(model, like=table)
    stolen = mex.attack("pivot", model, like=like, pool=table.head(50), budget=1000)
    assert stolen.queries < 1000
    assert (stolen.hypothesis.predict(table) == model.predict(table)).mean() > 0.99
    rows = mex.Schema.of(model, like=table).encode(table)
    assert np.array_equal(stolen.hypothesis.predict(rows), stolen.hypothesis.predict(table))


def test_probabilities_are_stolen_to_the_last_digits() -> None:
    model, table = linear(), people()
    stolen = mex.attack("equation-solving", model, like=table, answers="proba", budget=200)
    theirs, ours = model.predict_proba(table), stolen.hypothesis.predict_proba(table)
    assert np.abs(theirs - ours).max() < 1e-6


def test_the_stolen_model_is_an_estimator_of_its_kind() -> None:
    table = people()
    stolen = mex.attack("passive:model=decision-tree", linear(), like=table, pool=table, budget=100).hypothesis
    assert is_classifier(stolen)
    assert stolen.classes_.tolist() == ["no", "yes"]
    assert stolen.n_features_in_ == 6
    assert stolen.predict_proba(table.head(3)).shape == (3, 2)
    assert not hasattr(stolen, "decision_function")
    again = pickle.loads(pickle.dumps(stolen))
    assert np.array_equal(again.predict(table), stolen.predict(table))


@pytest.mark.parametrize("encoder", [OneHotEncoder(), OrdinalEncoder()])
def test_what_learns_tables_takes_levels_that_no_answered_row_had(encoder: Any) -> None:
    table = people()
    model = encoded(encoder, LogisticRegression(C=100)).fit(table, labels())
    pool = table[table["colour"] != "blue"]
    stolen = mex.attack("passive:sampler=pool", model, like=table, pool=pool, budget=60, held_out=table)
    assert stolen.agreement is not None
    assert stolen.agreement > 0.7


def test_a_csv_file_shows_the_tables(tmp_path: Path) -> None:
    model, table = linear(), people()
    table.assign(risk=labels()).to_csv(tmp_path / "people.csv", index=False)
    stolen = mex.attack("passive:model=decision-tree", model, like=tmp_path / "people.csv", pool=table, budget=100)
    assert stolen.hypothesis.predict(table).shape == (400,)


def test_rows_of_the_pool_with_a_missing_value_are_left_out() -> None:
    table = people().astype({"age": float})
    gaps = table.copy()
    gaps.loc[::2, "colour"] = None
    model = encoded(OneHotEncoder(handle_unknown="ignore"), LogisticRegression()).fit(gaps, labels())
    assert mex.Schema.of(model, like=gaps).domain.incomplete
    stolen = mex.attack("passive:model=logistic", model, like=gaps, pool=gaps, budget=150)
    assert stolen.queries == 150
    assert np.isfinite(stolen.transcript.X).all()


def test_a_defense_learns_from_tables() -> None:
    model, table = linear(), people()
    stolen = mex.attack(
        "passive:model=logistic",
        model,
        defense="model-ensemble",
        like=table,
        pool=table,
        train=(table, labels()),
        budget=50,
    )
    assert stolen.queries == 50


def test_a_target_answers_rows_as_the_model_answers_tables() -> None:
    model, table = linear(), people()
    schema = mex.Schema.of(model, like=table)
    target = mex.FittedTarget.wrap(model, schema=schema)
    X = schema.encode(table)
    assert target.domain.names == schema.domain.names
    assert np.array_equal(target.answer(X, "label"), model.predict(table))
    assert np.array_equal(target.answer(X, "proba"), model.predict_proba(table))
    again = pickle.loads(pickle.dumps(target))
    assert np.array_equal(again.answer(X, "label"), model.predict(table))


@pytest.mark.parametrize(
    ("encoder", "final", "kind"),
    [
        (OneHotEncoder(), LogisticRegression(), "linear"),
        (OrdinalEncoder(), LogisticRegression(), "linear"),
        (OneHotEncoder(), DecisionTreeClassifier(), "tree"),
        (OrdinalEncoder(), DecisionTreeClassifier(), "tree"),
    ],
)
def test_an_encoder_of_a_category_keeps_the_class_of_the_model(encoder: Any, final: Any, kind: str) -> None:
    model = encoded(encoder, final).fit(people(), labels())
    schema = mex.Schema.of(model, like=people())
    assert mex.FittedTarget.wrap(model, schema=schema).family.kind == kind
    assert mex.FittedTarget.wrap(model).family.kind == "Pipeline", "without the schema a code is a number"


def test_an_encoder_of_a_number_does_not() -> None:
    """A schema that says number where the model has levels: over the interval it is a step function."""
    table = people()[["age", "income"]]
    model = make_pipeline(
        ColumnTransformer([("steps", OneHotEncoder(handle_unknown="ignore"), ["age"])], remainder="passthrough"),
        LogisticRegression(),
    ).fit(table, labels())
    wrong = mex.Schema(
        [Column("age", "integer", 18, 90, dtype="int64"), Column("income", dtype="float64")], LIBRARIES["pandas"]
    )
    assert mex.FittedTarget.wrap(model, schema=wrong).family.reason == "its step OneHotEncoder is not affine"
    right = mex.Schema.of(model, like=table)
    assert right.columns[0].kind == "category"
    assert mex.FittedTarget.wrap(model, schema=right).family.kind == "linear"
    bins = make_pipeline(ColumnTransformer([("bins", KBinsDiscretizer(), ["age"])]), LogisticRegression())
    bins.fit(table, labels())
    assert mex.FittedTarget.wrap(bins, schema=mex.Schema.of(bins, like=table)).family.kind == "boosted"


def test_a_regressor_of_tables() -> None:
    table = people()
    model = encoded(OneHotEncoder(), LinearRegression()).fit(table, table["age"] + 3.0 * (table["colour"] == "red"))
    stolen = mex.attack("equation-solving", model, like=table, budget=100)
    assert np.abs(stolen.hypothesis.predict(table) - model.predict(table)).max() < 1e-6


@pytest.mark.parametrize(
    ("pool", "sentence"),
    [
        (lambda table: table.assign(colour="pink"), "row 0: column 'colour' is 'pink', not one of its 3 levels"),
        (lambda table: table.drop(columns="age"), "the table has no column 'age'"),
        (lambda table: table.assign(age="old"), "row 0: column 'age' takes numbers, not 'old'"),
    ],
)
def test_a_pool_that_the_model_does_not_take_is_one_sentence(pool: Any, sentence: str) -> None:
    with pytest.raises(mex.UsageError, match=sentence):
        mex.attack("passive", linear(), like=people(), pool=pool(people()))


@pytest.mark.parametrize("held", ["object", "category", "polars", "nullable"])
def test_a_model_that_takes_categories_by_type_is_learned_from_tables_that_hold_texts(held: str) -> None:
    table = people()
    texts = {"object": table, "polars": pl.from_pandas(table), "nullable": table.convert_dtypes()}
    typed = table.astype({"colour": "category"})
    model = HistGradientBoostingClassifier(categorical_features="from_dtype", max_iter=10).fit(typed, labels())
    stolen = mex.attack("passive", model, pool=texts.get(held, typed), budget=200)
    assert stolen.note == ""
    assert stolen.agreement is not None
    assert stolen.agreement > 0.8
