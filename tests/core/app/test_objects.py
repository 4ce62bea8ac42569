"""``mex.matrix`` on objects of the program: fitted estimators, functions, frames, arrays."""

from __future__ import annotations

import functools
import importlib
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

import mex
from mex.app.matrix.live import digest
from mex.app.matrix.record import TIMINGS
from mex.app.objects import read_objects
from mex.registry.loader import installed

X, y = load_iris(return_X_y=True)
TREE = DecisionTreeClassifier(random_state=0).fit(X, y)
ATTACK = "passive:model=decision-tree"
PLAN: dict[str, Any] = {"attacks": [ATTACK], "defenses": ["none"], "seeds": 1, "budget": 60, "counters": False}


@functools.cache
def people() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"age": rng.uniform(18, 90, 300), "colour": rng.choice(["red", "green", "blue"], 300)})
    score = table["age"] / 30 + (table["colour"] == "red")
    return table.assign(risk=np.where(score > score.median(), "high", "low"))


@functools.cache
def pipeline() -> Any:
    columns = ColumnTransformer([("texts", OneHotEncoder(), ["colour"]), ("numbers", StandardScaler(), ["age"])])
    return make_pipeline(columns, LogisticRegression(C=100)).fit(people()[["age", "colour"]], people()["risk"])


def by_age(table: Any) -> Any:
    return np.where(np.asarray(table["age"]) > 50, "high", "low")


def without_timings(records: Any) -> list[dict[str, Any]]:
    return [{name: value for name, value in record.items() if name not in TIMINGS} for record in records]


def test_objects_in_a_worker_process_give_the_records_of_this_process() -> None:
    plan = {
        "attacks": ["pivot", ATTACK],
        "defenses": ["none", "bounded-noise:rho=0.1"],
        "seeds": 1,
        "budget": 80,
        "counters": False,
    }
    models = {"mine": pipeline(), "rule": {"object": by_age, "classes": ["high", "low"], "family": "tree"}}
    here, there = (
        mex.matrix(plan, models=models, data=people(), target="risk", jobs=jobs, time_limit=jobs and 300)
        for jobs in (None, 1)
    )
    assert without_timings(here) == without_timings(there)
    assert len(here) == 8
    assert {record["model"] for record in here} == {"mine", "rule"}
    mine = [record for record in here if (record["model"], record["attack"]) == ("mine", "pivot")]
    assert [record["status"] for record in mine] == ["ok"] * 2
    assert all(record["target_accuracy"] > 0.9 for record in mine)
    assert {record["reason"] for record in here if record["status"] != "ok"} == {
        "pivot works on linear models; this is a tree one"
    }


DATA = {
    "rows and labels": (X, y),
    "lists": (X.tolist(), y.tolist()),
    "a frame of pandas with its target": pd.DataFrame(X, columns=list("abcd")).assign(y=y),
    "a frame of polars with its target": pl.DataFrame(X, schema=list("abcd")).with_columns(y=pl.Series(y)),
    "a dataset": "iris",
    "a table of a dataset": {"use": "iris"},
}


@pytest.mark.parametrize("name", DATA)
def test_data_may_be_held_by_anything(name: str) -> None:
    given = DATA[name]
    target = "y" if "target" in name else None
    (record,) = mex.matrix(PLAN, models={"mine": TREE}, data={"flowers": given}, target=target, registry=installed())
    assert (record["status"], record["reason"]) == ("ok", None)
    assert record["target_accuracy"] == 1.0
    assert record["dataset"] == ("flowers" if "dataset" not in name else "iris")


def test_rows_without_labels_measure_no_accuracy() -> None:
    (record,) = mex.matrix(PLAN, models={"mine": TREE}, data=pd.DataFrame(X))
    assert record["target_accuracy"] is None
    assert record["agreement"] > 0.9


def test_models_of_the_program_and_of_plugins_stand_side_by_side() -> None:
    models = {"mine": TREE, "fitted": "decision-tree", "wrapped": mex.FittedTarget.wrap(TREE)}
    records = mex.matrix(PLAN, models=models, data=(X, y))
    assert [(record["model"], record["status"]) for record in records] == [
        ("mine", "ok"),
        ("decision-tree", "ok"),
        ("wrapped", "ok"),
    ]
    assert mex.matrix(PLAN, models="decision-tree", data=["iris"])[0]["status"] == "ok"


def test_what_is_kept_is_not_run_again_and_another_object_is_not_taken_for_it(tmp_path: Path) -> None:
    again = DecisionTreeClassifier(random_state=0).fit(X, y)
    first, same = (
        mex.matrix(PLAN, models={"mine": model}, data=(X, y), out=tmp_path, registry=installed())
        for model in (TREE, again)
    )
    assert first == same, "timings and all"
    other = DecisionTreeClassifier(max_depth=1, random_state=0).fit(X, y)
    (record,) = mex.matrix(PLAN, models={"mine": other}, data=(X, y), out=tmp_path, registry=installed())
    assert record["target_accuracy"] < 0.8 < first[0]["target_accuracy"]
    (moved,) = mex.matrix(PLAN, models={"mine": TREE}, data=(X + 1, y), out=tmp_path, registry=installed())
    assert moved["cell"] != first[0]["cell"]
    assert "only that program repeats it" in (tmp_path / "run.toml").read_text(encoding="utf-8")


def test_the_digest_of_a_function_is_that_of_its_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    digests = []
    for limit in (1, 1, 22):
        (tmp_path / "rules_of_a_test.py").write_text(f"def rule(X):\n    return X[:, 0] > {limit}\n", encoding="utf-8")
        sys.modules.pop("rules_of_a_test", None)
        importlib.invalidate_caches()
        digests.append(digest(importlib.import_module("rules_of_a_test").rule))
    sys.modules.pop("rules_of_a_test", None)
    assert digests[0] == digests[1] != digests[2]
    limit = 1
    assert digest(lambda X: limit + X) != digest(lambda X: X)
    locked = {"a lock": threading.Lock()}
    assert digest(locked) != digest(locked), "what cannot be saved is never taken for what was"


MISTAKES: dict[str, dict[str, Any]] = {
    "say what the models are asked about: data=": {"models": {"mine": TREE}},
    "model 'logistic' is already provided by model-extraction": {"models": {"logistic": TREE}, "data": (X, y)},
    "a model has no option 'clases'; did you mean 'classes'": {"models": {"m": {"clases": [0]}}, "data": (X, y)},
    "a model is an object with predict, a function of rows, or a component, not 3": {
        "models": {"m": 3},
        "data": (X, y),
    },
    "data 'data' has no column 'yy'": {"models": {"m": TREE}, "data": pd.DataFrame({"y": y}), "target": "yy"},
    "a table must be a data frame, an array": {"models": {"m": TREE}, "data": 3},
    "no setting named 'bugdet'; did you mean 'budget'": {"bugdet": 3},
    "objects of this process do not travel to a cluster": {
        "models": {"m": TREE},
        "data": (X, y),
        "backend": "dask",
        "scheduler": "tcp://nowhere:1",
    },
    "can be sent to other processes (TypeError": {
        "models": {"m": {"object": lambda X: threading.Lock(), "classes": [0, 1]}},
        "data": (X, y),
        "jobs": 1,
    },
}


@pytest.mark.parametrize("sentence", MISTAKES)
def test_what_is_wrong_with_objects_is_one_sentence(sentence: str) -> None:
    given = MISTAKES[sentence]
    if "jobs" in given:
        given["models"]["m"]["object"] = functools.partial(max, threading.Lock())
    with pytest.raises(mex.UsageError) as error:
        mex.matrix(PLAN, registry=installed(), **given)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_a_model_that_does_not_take_the_data_is_a_failed_cell_with_one_sentence() -> None:
    (record,) = mex.matrix(PLAN, models={"mine": pipeline()}, data=people().drop(columns="age"), target="risk")
    assert record["status"] == "failed"
    assert "'age'" in str(record["reason"])


def test_a_target_is_that_of_a_file_as_well_and_a_path_is_read_for_what_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    people().to_csv(path, index=False)
    assert read_objects(pipeline(), str(path), "risk")[0]["datasets"] == [
        {"use": "csv", "target": "risk", "path": str(path)}
    ]
    with pytest.raises(mex.UsageError, match="has no column 'rsik'; did you mean 'risk'"):
        mex.recommend(pipeline(), str(path), target="rsik")
    with pytest.raises(mex.UsageError, match="a file of a model is none: files of a dataset end in"):
        mex.recommend(pipeline(), "model.skops")
