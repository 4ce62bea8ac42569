"""Served models of tables: strings, categories, columns by name; the requests are the frames that the model takes."""

from __future__ import annotations

import functools
import pickle
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler

import mex
from mex import DefendedClassifier, DefendedRegressor

STICKY = "gaussian-output:scale=0.2,sticky=true"


@functools.cache
def people() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    n = 300
    return pd.DataFrame(
        {
            "age": rng.integers(18, 90, n),
            "colour": rng.choice(["red", "green", "blue"], n),
            "income": rng.normal(3, 1, n).round(2),
            "member": rng.random(n) < 0.5,
        }
    )


@functools.cache
def labels() -> Any:
    score = people()["age"] / 30 + (people()["colour"] == "red") - people()["income"] + people()["member"]
    return np.where(score > score.median(), "yes", "no")


def pipeline(encoder: Any = None) -> Any:
    numbers = ("numbers", StandardScaler(), ["age", "income", "member"])
    columns = ColumnTransformer([("texts", encoder or OneHotEncoder(), ["colour"]), numbers])
    return make_pipeline(columns, LogisticRegression())


def native(table: pd.DataFrame) -> pd.DataFrame:
    return table.astype({"colour": "category"})


MODELS: dict[str, Any] = {
    "one-hot": (pipeline(), people()),
    "ordinal": (pipeline(OrdinalEncoder()), people()),
    "native categories": (HistGradientBoostingClassifier(max_iter=5), native(people())),
    "columns by name": (
        make_pipeline(
            ColumnTransformer([("some", StandardScaler(), ["income", "age"])]), LogisticRegression()
        ),
        people()[["age", "income"]],
    ),
    "an array of objects": (
        make_pipeline(ColumnTransformer([("texts", OneHotEncoder(), [1])], remainder="passthrough"),
                      FunctionTransformer(lambda X: X.astype(float)), LogisticRegression(max_iter=2000)),
        people().to_numpy(dtype=object),
    ),
}  # fmt: skip


@pytest.mark.parametrize("with_train", [True, False])
@pytest.mark.parametrize("name", MODELS)
def test_a_model_of_tables_is_served_the_tables_that_it_takes(name: str, with_train: bool) -> None:
    unfitted, table = MODELS[name]
    model = unfitted.fit(table, labels())
    given = (table, labels()) if with_train else ()
    like = {"like": table[:100]} if name == "an array of objects" and not with_train else {}
    served = DefendedClassifier.wrap(model, "rounding:decimals=2", *given, **like)
    assert np.array_equal(served.predict(table), model.predict(table))
    assert served.predict_proba(table) == pytest.approx(model.predict_proba(table), abs=0.0101)
    assert served.n_features_in_ == table.shape[1]
    noisy = DefendedClassifier.wrap(model, STICKY, *given, **like, secret="of a test")
    assert (noisy.predict(table) != model.predict(table)).any()
    if name != "an array of objects":
        again = pickle.loads(pickle.dumps(noisy))
        assert np.array_equal(again.predict_proba(table), noisy.predict_proba(table))


def test_columns_are_found_by_their_names_whoever_holds_them() -> None:
    model = pipeline().fit(people(), labels())
    served = DefendedClassifier.wrap(model, "none")
    truth = model.predict(people())
    for table in (people()[["member", "income", "colour", "age"]], people().assign(more=1), pl.from_pandas(people())):
        assert np.array_equal(served.predict(table), truth)
    assert np.array_equal(served.predict(people().to_dict("records")), truth)
    with pytest.warns(UserWarning, match="X does not have valid feature names, but DefendedClassifier was fitted with"):
        assert np.array_equal(served.predict(people().to_numpy(dtype=object)), truth)


def test_a_request_that_the_model_does_not_take_is_one_sentence() -> None:
    served = DefendedClassifier.wrap(pipeline().fit(people(), labels()), "none")
    for wrong, sentence in (
        (people().drop(columns="age"), "the table has no column 'age'"),
        (people().assign(colour="pink"), "row 0: column 'colour' is 'pink', not one of its 3 levels"),
        (people().assign(age="old"), "row 0: column 'age' takes numbers, not 'old'"),
    ):
        with pytest.raises(mex.UsageError, match=sentence):
            served.predict(wrong)


def test_numbers_may_be_what_the_training_rows_never_were() -> None:
    model = pipeline().fit(people(), labels())
    served = DefendedClassifier.wrap(model, "none", people(), labels())
    odd = people().assign(age=40.5, income=-1e6)
    assert np.array_equal(served.predict(odd), model.predict(odd))


def test_missing_values_go_where_the_model_takes_them() -> None:
    table = native(people())
    gaps = table.assign(income=table["income"].where(table["age"] > 40))
    model = HistGradientBoostingRegressor(max_iter=5).fit(table, people()["age"])
    served = DefendedRegressor.wrap(model, "none", table)
    assert np.array_equal(served.predict(gaps), model.predict(gaps))
    plain = DefendedClassifier.wrap(pipeline().fit(people(), labels()), "none")
    with pytest.raises(ValueError, match=r"column 'colour' may not be missing|NaN"):
        plain.predict(people().assign(colour=None))


def test_fitting_on_a_table_serves_the_same() -> None:
    fitted = DefendedClassifier(pipeline(), "rounding:decimals=2").fit(people(), labels())
    wrapped = DefendedClassifier.wrap(pipeline().fit(people(), labels()), "rounding:decimals=2")
    assert np.array_equal(fitted.predict_proba(people()), wrapped.predict_proba(people()))
    assert fitted.feature_names_in_.tolist() == ["age", "colour", "income", "member"]
    assert cross_val_score(DefendedClassifier(pipeline(), "rounding"), people(), labels()).mean() > 0.9
    numbers = people()[["age", "income"]]
    by_name = make_pipeline(ColumnTransformer([("some", StandardScaler(), ["income"])]), LogisticRegression())
    served = DefendedClassifier(by_name, "none").fit(numbers, labels())
    assert np.array_equal(served.predict(numbers), by_name.fit(numbers, labels()).predict(numbers))


def test_a_defense_learns_from_tables() -> None:
    model = pipeline().fit(people(), labels())
    served = DefendedClassifier.wrap(model, "model-ensemble", people(), labels())
    assert np.mean(served.predict(people()) == model.predict(people())) > 0.9


def test_a_function_is_served() -> None:
    def rule(table: pd.DataFrame) -> Any:
        return np.where(table["age"] > 50, "old", "young")

    served = DefendedClassifier.wrap(rule, "bounded-noise:rho=0.1,sticky=true", people(), classes=["old", "young"])
    wrong = np.mean(served.predict(people()) != rule(people()))
    assert 0.02 < wrong < 0.2


class Tagless:
    """A fitted model that scikit-learn takes for an unfitted one, or for none at all."""

    classes_ = np.array([0, 1])

    def __sklearn_tags__(self) -> Any:
        raise RuntimeError("no tags here")

    def predict(self, X: Any) -> Any:
        return (np.asarray(X)[:, 0] > 50).astype(int).tolist()


def test_what_scikit_learn_cannot_tell_to_be_fitted_is_asked() -> None:
    X = people()[["age", "income"]].to_numpy()
    served = DefendedClassifier.wrap(Tagless(), "none", X)
    assert np.array_equal(served.predict(X), Tagless().predict(X))
    with pytest.raises(NotFittedError):
        DefendedClassifier.wrap(pipeline(), "none", people(), labels())
