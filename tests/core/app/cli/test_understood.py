"""``mex inspect MODEL``: what was understood of a model on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import skops.io
from saved import TUMOURS, X, attacked, table, y
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from mex.app.cli import main


def inspected(capsys: pytest.CaptureFixture[str], *arguments: Any) -> dict[str, Any]:
    """The object that ``mex inspect --json`` prints."""
    assert main(["inspect", *map(str, arguments), "--json"]) == 0
    return dict(json.loads(capsys.readouterr().out))


def test_a_file_alone_tells_its_class_columns_and_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    skops.io.dump(DecisionTreeClassifier(max_depth=3).fit(X, y), tmp_path / "tree.skops")
    about = inspected(capsys, tmp_path / "tree.skops")
    assert (about["class"], about["task"], about["classes"]) == ("DecisionTreeClassifier", "binary", [0, 1])
    assert about["answers"] == ["label", "proba", "leaf"]
    assert about["columns"][0]["name"] == "mean radius"
    facts = about["facts"]
    assert facts["inputs"] == "cast to float32"
    assert facts["comparison"].startswith("left where x <= threshold, x as float32")
    assert facts["leaf ids"] == "numbers of nodes"
    assert facts["trusted by name"] == "sklearn.tree._tree.Tree"
    attacks = {attack["attack"]: attack for attack in about["attacks"]}
    assert attacks["tree-structure"]["answers"] == ["leaf"]
    assert attacks["pivot"]["answers"] == []
    assert attacks["pivot"]["reason"] == "pivot works on linear models; this is a tree one"


def test_with_a_table_it_is_said_what_its_answers_look_like(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    people = pd.DataFrame({"age": range(18, 78), "town": ["Bonn", "Kiel", "Ulm"] * 20})
    encoder = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["town"]), (StandardScaler(), ["age"]))
    model = FixedThresholdClassifier(make_pipeline(encoder, LogisticRegression()), threshold=0.8)
    model.fit(people, people["age"] > 40)
    skops.io.dump(model, tmp_path / "model.skops")
    about = inspected(capsys, tmp_path / "model.skops", "--data", table(tmp_path, people))
    assert about["facts"]["labels"].startswith("not the likeliest class in ")
    assert about["facts"]["unseen levels"] == "OneHotEncoder: answered as no level; mex sends none"
    assert about["facts"]["outputs"] == "float64"
    assert about["family"]["kind"] == "linear"
    assert about["data"] == "table: 60 rows of 2 columns, 4 features; no labels, so no accuracy is measured"
    assert main(["inspect", str(tmp_path / "model.skops")]) == 0
    printed = capsys.readouterr().out
    assert "class\tFixedThresholdClassifier of LogisticRegression" in printed
    assert "town\tcategory\tBonn, Kiel, Ulm\t" in printed
    assert "\npivot\tlabel\n" in printed


def test_what_is_no_deployed_model_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "logistic"]) == 2
    assert "logistic is a model that mex fits itself: mex show model logistic says how" in capsys.readouterr().err
    assert main(["inspect", "breast-cancer", "--data", "iris"]) == 2
    assert "--data is the table of a model, and breast-cancer is none" in capsys.readouterr().err


def test_a_text_file_is_a_table_or_a_model_by_its_first_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    model = lightgbm.LGBMClassifier(n_estimators=1, num_leaves=4, verbose=-1, n_jobs=1).fit(X, y)
    model.booster_.save_model(tmp_path / "model.txt")
    about = inspected(capsys, tmp_path / "model.txt")
    assert about["class"] == "Booster of LightGBM, binary, 1 tree, depth 3"
    (tmp_path / "rows.txt").write_text("a,b\n1,x\n2,y\n")
    assert inspected(capsys, tmp_path / "rows.txt")["rows"] == 2


@pytest.mark.parametrize(("rows", "told"), [(569, True), (200, False)])
def test_thresholds_that_are_values_of_training_rows_are_told_where_they_were_stolen(
    rows: int, told: bool, tmp_path: Path
) -> None:
    frame = X[["mean radius", "mean texture", "worst area"]].head(rows)
    model = HistGradientBoostingRegressor(max_iter=1, max_leaf_nodes=4)
    skops.io.dump(model.fit(frame[["mean radius", "mean texture"]], frame["worst area"]), tmp_path / "model.skops")
    record = attacked("tree-structure:checks=0", tmp_path / "model.skops", table(tmp_path, frame))
    assert ("values of its training rows: those that were stolen tell records" in record["reason"]) == told


def test_an_attack_that_steals_no_thresholds_tells_none(tmp_path: Path) -> None:
    xgboost = pytest.importorskip("xgboost")
    xgboost.XGBClassifier(n_estimators=1, max_depth=2, n_jobs=1).fit(X, y).save_model(tmp_path / "model.json")
    data = table(tmp_path, TUMOURS)
    record = attacked("passive:model=decision-tree", tmp_path / "model.json", data, budget=50)
    assert "records" not in (record["reason"] or "")
    record = attacked("tree-structure", tmp_path / "model.json", data, answers="leaf")
    assert "records" in record["reason"]


@pytest.mark.parametrize("command", [["inspect", "MODEL", "--data", "DATA"], ["recommend", "MODEL", "DATA"]])
def test_a_model_of_texts_is_no_model_of_the_rows_of_a_table(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It answers a table with one answer for each column, and one answer is none for each row."""
    words = ["pay the bank", "win the match"] * 20
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(words, ["money", "sport"] * 20)
    skops.io.dump(model, tmp_path / "model.skops")
    pd.DataFrame({"text": words, "topic": ["money", "sport"] * 20}).to_csv(tmp_path / "rows.csv", index=False)
    places = {"MODEL": str(tmp_path / "model.skops"), "DATA": f"csv:path={tmp_path / 'rows.csv'},target=topic"}
    assert main([places.get(word, word) for word in command]) in (1, 2)
    said = capsys.readouterr().err.strip().splitlines()
    assert "Pipeline takes one text a row, not a table, as it starts with TfidfVectorizer" in said[-1]


SCORER = """
import numpy as np

class Quota:
    n_features_in_, classes_, asked = 4, np.array(["a", "b"]), 0

    def predict(self, rows):
        self.asked += len(rows)
        if self.asked > 120:
            raise RuntimeError("429 Too Many Requests")
        return np.where(np.asarray(rows)[:, 2] > 3, "a", "b")

quota = Quota()

def holes(rows):
    return np.where(np.asarray(rows)[:, 2] > 3, 1.0, np.nan)
"""


def test_an_error_of_the_model_is_not_said_to_be_a_bug_of_mex(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "quota_of_mine.py").write_text(SCORER, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    attack = ["attack", "passive", "--data", "iris", "-m"]
    assert main([*attack, "python:object=quota_of_mine:quota"]) == 1
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert "RuntimeError: 429 Too Many Requests (raised by the model, which was asked 150 rows;" in said
    assert "bug" not in said
    assert main([*attack, "python:object=quota_of_mine:holes,answers=value"]) == 2
    assert "answered values that are not finite numbers" in capsys.readouterr().err
