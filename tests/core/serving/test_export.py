"""A model behind a defense is written as a folder that a server serves; one that must remember is refused.

``benchmarks/live.py exports`` serves such folders by MLServer and MLflow; here they are read as these read them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import mex
from mex.serving.export import check_stateless, export

X, Y = load_breast_cancer(return_X_y=True)
FOREST = RandomForestClassifier(5, random_state=0).fit(X, Y)
FRAME = pd.DataFrame({"age": [20, 30, 40, 50] * 9, "town": ["Bonn", "Ulm", "Bonn", "Köln"] * 9})
PAID = np.array(["no", "yes", "yes", "no"] * 9)
PIPELINE = make_pipeline(
    make_column_transformer((OneHotEncoder(), ["town"]), remainder="passthrough"), LogisticRegression()
).fit(FRAME, PAID)


def read_mlserver(folder: Path) -> Any:
    """As ``mlserver_sklearn`` does."""
    settings = json.loads((folder / "model-settings.json").read_text())
    assert settings["implementation"] == "mlserver_sklearn.SKLearnModel"
    return joblib.load(folder / settings["parameters"]["uri"])


def read_mlflow(folder: Path) -> Any:
    """As ``mlflow.sklearn`` does, which reads YAML, as JSON is: no type is trusted but those that are named."""
    told = json.loads((folder / "MLmodel").read_text())
    flavor = told["flavors"]["sklearn"]
    assert flavor["serialization_format"] == "skops"
    assert told["flavors"]["python_function"]["model_path"] == flavor["pickled_model"]
    return skops.io.load(folder / flavor["pickled_model"], trusted=flavor["skops_trusted_types"])


SERVERS = {"mlserver": read_mlserver, "mlflow": read_mlflow}
DEFENSES = ("rounding:decimals=2", "gaussian-output:scale=0.1,sticky=true + rounding:decimals=2", "label-only")


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("defense", DEFENSES)
def test_the_folder_answers_as_the_served_model_does(server: str, defense: str, tmp_path: Path) -> None:
    for name, model, rows, y in (("forest", FOREST, X, Y), ("tables", PIPELINE, FRAME, PAID)):
        served = mex.DefendedClassifier.wrap(model, defense, rows, y)
        export(served, server, tmp_path / name)
        loaded = SERVERS[server](tmp_path / name)
        assert (loaded.predict(rows) == served.predict(rows)).all()
        assert hasattr(loaded, "predict_proba") == (defense != "label-only")
        if hasattr(loaded, "predict_proba"):
            assert np.array_equal(loaded.predict_proba(rows), served.predict_proba(rows))
        assert f"model-extraction=={mex.__version__}" in (tmp_path / name / "requirements.txt").read_text()


def test_a_regressor_and_what_is_told_of_its_columns(tmp_path: Path) -> None:
    D, z = load_diabetes(return_X_y=True, as_frame=True)
    served = mex.DefendedRegressor.wrap(LinearRegression().fit(D, z), "rounding:digits=2", D, z)
    export(served, "mlflow", tmp_path / "flow")
    assert np.array_equal(read_mlflow(tmp_path / "flow").predict(D), served.predict(D))
    export(served, "mlserver", tmp_path / "server", name="diabetes")
    settings = json.loads((tmp_path / "server" / "model-settings.json").read_text())
    assert settings["name"] == "diabetes"
    assert settings["inputs"] == [{"name": "x", "datatype": "FP64", "shape": [-1, 10]}]
    assert json.loads((tmp_path / "server" / "settings.json").read_text())["host"] == "127.0.0.1"
    tables = mex.DefendedClassifier.wrap(PIPELINE, "none", FRAME, PAID)
    export(tables, "mlflow", tmp_path / "tables")
    signature = json.loads(json.loads((tmp_path / "tables" / "MLmodel").read_text())["signature"]["inputs"])
    assert [(column["name"], column["type"]) for column in signature] == [("age", "double"), ("town", "string")]
    export(tables, "mlserver", tmp_path / "columns")
    settings = json.loads((tmp_path / "columns" / "model-settings.json").read_text())
    assert [tensor["name"] for tensor in settings["inputs"]] == ["age", "town"]
    assert settings["parameters"]["content_type"] == "pd"


@pytest.mark.parametrize(
    ("defense", "sentence"),
    [
        ("query-budget:limit=1000", r"counts what a client asks .*: put it into a gateway, mex serve"),
        ("query-detector", "counts what a client asks"),
        ("query-budget:limit=3 + rounding", "counts what a client asks"),
        ("bounded-noise:rho=0.2", r"changes as it answers, .*: say sticky=true"),
        ("gaussian-output:scale=0.1", "changes as it answers"),
    ],
)
def test_a_defense_that_remembers_cannot_be_exported(defense: str, sentence: str, tmp_path: Path) -> None:
    served = mex.DefendedClassifier.wrap(FOREST, defense, X, Y)
    with pytest.raises(mex.Incompatible, match=sentence):
        export(served, "mlserver", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_looking_for_memory_leaves_the_model_as_it_was() -> None:
    served = mex.DefendedClassifier.wrap(FOREST, "query-budget:limit=30", X, Y)
    with pytest.raises(mex.Incompatible):
        check_stateless(served, X[:20])
    assert len(served.predict(X[:30])) == 30


def test_mistakes_are_sentences(tmp_path: Path) -> None:
    served = mex.DefendedClassifier.wrap(FOREST, "label-only", X, Y)
    with pytest.raises(mex.UsageError, match="exported to mlserver or mlflow, not 'triton'"):
        export(served, "triton", tmp_path / "new")
    with pytest.raises(mex.UsageError, match="gives no probabilities"):
        export(served, "mlflow", tmp_path / "new", proba=True)
    with pytest.raises(mex.UsageError, match=r"cannot make the folder .*: File exists"):
        export(served, "mlflow", tmp_path)


def test_the_command_writes_the_folder_of_a_model_of_ones_own(run: Callable[..., Any], tmp_path: Path) -> None:
    skops.io.dump(PIPELINE, tmp_path / "model.skops")
    FRAME.assign(paid=PAID).to_csv(tmp_path / "rows.csv", index=False)
    given = (tmp_path / "model.skops", "--data", tmp_path / "rows.csv", "-d", "rounding:decimals=1")
    done = run("export", *given, "--to", "mlflow", "--answers", "proba", tmp_path / "flow")
    assert done.returncode == 0, done.stderr
    assert "mlflow models serve" in done.stderr
    loaded = read_mlflow(tmp_path / "flow")
    assert np.array_equal(loaded.predict_proba(FRAME), PIPELINE.predict_proba(FRAME).round(1))
    told = json.loads((tmp_path / "flow" / "MLmodel").read_text())
    assert told["flavors"]["python_function"]["predict_fn"] == "predict_proba"


def test_the_key_of_noise_comes_from_the_environment_and_mistakes_of_the_command_are_sentences(
    run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    skops.io.dump(FOREST, tmp_path / "model.skops")
    defense = "gaussian-output:scale=0.1,sticky=true"
    given = (tmp_path / "model.skops", "-d", defense, "--to", "mlserver", "--secret", "KEY")
    refused = run("export", *given, tmp_path / "new")
    assert refused.returncode == 2
    assert "the environment has no KEY, which --secret names" in refused.stderr
    monkeypatch.setenv("KEY", "of the vault")
    done = run("export", *given, tmp_path / "new")
    assert done.returncode == 0, done.stderr
    assert "of the vault" not in done.stdout + done.stderr
    served = mex.DefendedClassifier.wrap(FOREST, defense, secret="of the vault")
    assert np.array_equal(read_mlserver(tmp_path / "new").predict_proba(X), served.predict_proba(X))
    refused = run("export", "logistic", "--data", "haberman", "--to", "mlserver", tmp_path / "another")
    assert refused.returncode == 2
    assert "logistic is fitted anew: export a model of yours" in refused.stderr
