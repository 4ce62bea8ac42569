"""Files of YDF, Treelite, PMML and MLflow."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from saved import TUMOURS, X, attacked, deployed, table, y
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

import mex
from mex.testing import check_deployed
from mex_file.model import File


def mlflow(folder: Path, flavor: str, columns: list[tuple[str, str]] | None = None, **fields: Any) -> Path:
    """The folder that MLflow makes around a file."""
    pytest.importorskip("yaml")
    import yaml

    inputs = json.dumps([{"name": name, "type": kind, "required": True} for name, kind in columns or ()])
    told = {"flavors": {"python_function": {"loader_module": f"mlflow.{flavor}"}}, "signature": {"inputs": inputs}}
    told["flavors"] |= {flavor: fields} if fields else {}
    (folder / "MLmodel").write_text(yaml.safe_dump(told))
    return folder


def test_mlflow_with_a_booster_is_read_without_mlflow_and_knows_its_class(tmp_path: Path) -> None:
    xgboost = pytest.importorskip("xgboost")
    flipped = np.where(np.random.default_rng(0).random(len(y)) < 0.3, 1 - y, y)
    model = xgboost.XGBClassifier(n_estimators=60, max_depth=3, learning_rate=0.5, n_jobs=1, early_stopping_rounds=10)
    model.fit(X.to_numpy()[:400], flipped[:400], eval_set=[(X.to_numpy()[400:], flipped[400:])], verbose=False)
    model.save_model(tmp_path / "model.ubj")
    columns = [(name, "double") for name in X]
    folder = mlflow(
        tmp_path, "xgboost", columns, data="model.ubj", model_class="xgboost.sklearn.XGBClassifier", model_format="ubj"
    )
    mixed = X[X.columns[::-1]]  # the signature names the columns, the booster does not
    target = deployed(folder, mex.Table("tumours", mixed))
    assert target.schema is not None
    assert (target.answer(target.schema.encode(mixed), "label") == model.predict(X.to_numpy())).all()
    assert File(path=str(folder)).facts()["signature"].startswith("mean radius double, ")


def test_pickles_in_folders_of_mlflow_are_not_opened_unasked(tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(LogisticRegression(max_iter=5000).fit(X, y)))
    folder = mlflow(tmp_path, "sklearn", pickled_model="model.pkl", serialization_format="cloudpickle")
    with pytest.raises(mex.UsageError, match=r"model.pkl is a pickle, and opening one runs"):
        deployed(folder)
    assert deployed(folder, mex.Table("tumours", X), unsafe=True).family.kind == "linear"
    with pytest.raises(mex.UsageError, match="only Python code of its own opens"):
        deployed(mlflow(tmp_path, "pyfunc"))


def test_files_of_skops_in_folders_of_mlflow_are_checked_too(tmp_path: Path) -> None:
    skops.io.dump(LogisticRegression(max_iter=5000).fit(X, y), tmp_path / "model.skops")
    folder = mlflow(tmp_path, "sklearn", pickled_model="model.skops", serialization_format="skops")
    assert deployed(folder, mex.Table("tumours", X)).family.kind == "linear"
    with pytest.raises(mex.UsageError, match=r"names '../outside.skops' as the file of its model"):
        deployed(mlflow(tmp_path, "sklearn", pickled_model="../outside.skops"))


def test_one_tree_of_ydf_is_exact_from_its_leaf_ids(tmp_path: Path) -> None:
    ydf = pytest.importorskip("ydf")
    ydf.verbose(0)
    ydf.CartLearner(label="target", max_depth=4, num_threads=1).train(TUMOURS).save(str(tmp_path / "model"))
    folder = {"path": str(tmp_path / "model")}
    record = attacked("tree-structure", folder, table(tmp_path, TUMOURS), answers="leaf")
    assert record["agreement"] == record["uniform_agreement"] == 1.0
    assert "certified" in record["reason"]
    assert record["target_accuracy"] > 0.8


def test_ydf_tells_levels_and_truth_values(tmp_path: Path) -> None:
    ydf = pytest.importorskip("ydf")
    ydf.verbose(0)
    rng = np.random.default_rng(0)
    people = pd.DataFrame({"age": rng.normal(size=300), "town": rng.choice(["a", "b", "c"], 300)})
    people = people.assign(member=rng.random(300) > 0.5)
    rich = np.where(people["age"] + (people["town"] == "b") + people["member"] > 0.9, "yes", "no")
    learner = ydf.GradientBoostedTreesLearner(label="rich", num_trees=5, max_depth=3, num_threads=1)
    model = learner.train(people.assign(rich=rich))
    model.save(str(tmp_path / "model"))
    target = check_deployed(File(path=str(tmp_path / "model")), mex.Table("people", people[["town", "member", "age"]]))
    assert target.schema is not None
    columns = {str(column.name): column for column in target.schema.columns}
    assert set(columns["town"].levels) == {"a", "b", "c"}
    assert columns["member"].kind == "boolean"
    given = {name: people[name].to_numpy() for name in people}
    assert (target.answer(target.schema.encode(people), "label") == model.predict_class(given)).all()


def test_treelite_answers_as_the_forest_that_it_was_made_of(tmp_path: Path) -> None:
    treelite = pytest.importorskip("treelite")
    forest = RandomForestClassifier(5, max_depth=4, random_state=0).fit(X.to_numpy(), y)
    treelite.sklearn.import_model(forest).serialize(str(tmp_path / "model.tl"))
    target = check_deployed(File(path=str(tmp_path / "model.tl")), mex.Table("tumours", X))
    assert target.schema is not None
    rows = target.schema.encode(X)
    assert np.abs(target.answer(rows, "proba") - forest.predict_proba(X.to_numpy())).max() < 1e-12
    assert (target.answer(rows, "leaf") == forest.apply(X.to_numpy())).all()
    assert target.family.kind == "forest"


PMML = """<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4"><Header/>
<DataDictionary>
<DataField name="risk" optype="categorical" dataType="string"><Value value="high"/><Value value="low"/></DataField>
<DataField name="age" optype="continuous" dataType="double"/>
<DataField name="town" optype="categorical" dataType="string"><Value value="Kiel"/><Value value="Ulm"/></DataField>
</DataDictionary>
<TreeModel functionName="classification"><MiningSchema>
<MiningField name="risk" usageType="target"/><MiningField name="age"/><MiningField name="town"/></MiningSchema>
<Output><OutputField name="probability(high)" feature="probability" value="high" dataType="double" optype="continuous"/>
<OutputField name="probability(low)" feature="probability" value="low" dataType="double" optype="continuous"/></Output>
<Node score="low"><True/>
<Node score="high"><SimplePredicate field="age" operator="greaterThan" value="41.5"/>
<ScoreDistribution value="high" recordCount="3"/><ScoreDistribution value="low" recordCount="1"/></Node>
<Node score="low"><SimplePredicate field="age" operator="lessOrEqual" value="41.5"/>
<ScoreDistribution value="high" recordCount="1"/><ScoreDistribution value="low" recordCount="4"/></Node>
</Node></TreeModel></PMML>"""


def test_pmml_tells_levels_and_classes_and_is_attacked(tmp_path: Path) -> None:
    pytest.importorskip("jpmml_evaluator")
    if shutil.which("java") is None:
        pytest.skip("no Java")
    (tmp_path / "model.pmml").write_text(PMML)
    rng = np.random.default_rng(0)
    people = pd.DataFrame({"age": rng.uniform(18, 90, 120), "town": ["Kiel", "Ulm"] * 60})
    target = check_deployed(File(path=str(tmp_path / "model.pmml")), mex.Table("people", people))
    assert target.schema is not None
    assert target.domain.names == ("age", "town=Kiel", "town=Ulm")
    labels = target.answer(target.schema.encode(people), "label")
    assert (labels == np.where(people["age"] > 41.5, "high", "low")).all()
    record = attacked("tree-labels", tmp_path / "model.pmml", table(tmp_path, people), budget=500)
    assert record["agreement"] == 1.0


def test_what_takes_a_library_that_is_not_there_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    for module, name, extra in (("onnx", "model.onnx", "onnx"), ("catboost", "model.cbm", "catboost")):
        monkeypatch.setitem(sys.modules, module, None)
        (tmp_path / name).write_bytes(b"")
        with pytest.raises(mex.UsageError, match=rf"takes {module}, .*pip install 'model-extraction\[{extra}\]'"):
            deployed(tmp_path / name)
