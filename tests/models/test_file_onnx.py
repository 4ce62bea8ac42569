"""Files of ONNX: what onnxruntime really computes, through attacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from saved import DIABETES, FLOWERS, TUMOURS, X, attacked, deployed, table, y
from sklearn.compose import make_column_transformer
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import mex

pytest.importorskip("onnxruntime")
skl2onnx = pytest.importorskip("skl2onnx")

SCALED = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000)).fit(X.to_numpy(), y)


def saved(model: Any, folder: Path, frame: pd.DataFrame = X, dtype: Any = np.float32, **options: Any) -> Path:
    """A model that takes arrays, in a file."""
    path = folder / "model.onnx"
    made = skl2onnx.to_onnx(model, frame.to_numpy()[:1].astype(dtype), options=options or None)
    path.write_bytes(made.SerializeToString())
    return path


@pytest.mark.parametrize("zipmap", [True, False])
def test_pivot_steals_a_linear_model_of_float32(zipmap: bool, tmp_path: Path) -> None:
    path = saved(SCALED, tmp_path, zipmap=zipmap)
    record = attacked("pivot", path, table(tmp_path, TUMOURS))
    assert record["agreement"] >= 0.999
    assert record["near_agreement"] >= 0.999


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equation_solving_reads_probabilities_of_float32_and_of_float64(dtype: Any, tmp_path: Path) -> None:
    record = attacked(
        "equation-solving", saved(SCALED, tmp_path, dtype=dtype, zipmap=False), table(tmp_path, TUMOURS), "proba"
    )
    assert (record["stopped"], record["reason"]) == ("done", None)
    assert record["queries"] < 60  # 31 unknowns
    assert record["agreement"] >= 0.999
    assert record["near_agreement"] >= 0.999


def test_a_tree_of_values_is_exact_and_one_of_labels_is_found(tmp_path: Path) -> None:
    rows = DIABETES.drop(columns="target")
    tree = DecisionTreeRegressor(max_depth=4, random_state=0).fit(rows.to_numpy(), DIABETES["target"])
    record = attacked("tree-structure", saved(tree, tmp_path, rows), table(tmp_path, DIABETES))
    assert record["agreement"] == pytest.approx(1.0, abs=1e-12)
    assert record["uniform_agreement"] == pytest.approx(1.0, abs=1e-12)
    few = X.iloc[:, :5]
    labels = DecisionTreeClassifier(max_depth=2, random_state=0).fit(few.to_numpy(), y)
    record = attacked("tree-labels", saved(labels, tmp_path, few), table(tmp_path, TUMOURS[[*few, "target"]]))
    assert record["agreement"] == record["uniform_agreement"] == 1.0


def test_stumps_are_found(tmp_path: Path) -> None:
    rows = DIABETES.drop(columns="target")
    stumps = GradientBoostingRegressor(max_depth=1, n_estimators=10, learning_rate=0.5)
    record = attacked(
        "stump-scan",
        saved(stumps.fit(rows.to_numpy(), DIABETES["target"]), tmp_path, rows),
        table(tmp_path, DIABETES),
    )
    assert record["agreement"] > 1 - 1e-9


def test_a_pipeline_with_one_input_a_column_is_asked_by_column(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    towns = rng.choice(["Bonn", "Kiel", "Ulm"], 300)
    people = pd.DataFrame({"age": rng.integers(18, 90, 300), "income": rng.normal(40, 10, 300), "town": towns})
    rich = np.where(people["income"] + 9 * (people["town"] == "Kiel") + rng.normal(0, 2, 300) > 45, "yes", "no")
    encoder = make_column_transformer((OneHotEncoder(), ["town"]), (StandardScaler(), ["income", "age"]))
    model = make_pipeline(encoder, LogisticRegression()).fit(people, rich)
    types = skl2onnx.common.data_types
    inputs = [
        ("age", types.Int64TensorType([None, 1])),
        ("income", types.FloatTensorType([None, 1])),
        ("town", types.StringTensorType([None, 1])),
    ]
    path = tmp_path / "model.onnx"
    path.write_bytes(skl2onnx.to_onnx(model, initial_types=inputs).SerializeToString())
    record = attacked("pivot", path, table(tmp_path, people[["town", "income", "age"]].assign(rich=rich)))
    assert record["agreement"] >= 0.99
    assert record["target_accuracy"] > 0.9
    told = deployed(path, mex.Table("people", people[people["town"] != "Ulm"]))
    assert told.domain.names == ("age", "income", "town=Bonn", "town=Kiel", "town=Ulm")
    with pytest.raises(mex.UsageError, match=r"column 'age' takes whole numbers \(int64\), and was given fractions"):
        deployed(path, mex.Table("people", people.assign(age=people["age"] + 0.5)))


@pytest.mark.parametrize(
    ("model", "kind", "link"),
    [
        (LogisticRegression(max_iter=5000), "linear", "logit"),
        (LinearSVC(), "linear", "margin"),
        (RandomForestClassifier(3, max_depth=3), "forest", None),
        (make_pipeline(PolynomialFeatures(), LogisticRegression(max_iter=5000)), "onnx", None),
    ],
    ids=["logistic", "margins", "forest", "squares"],
)
def test_the_graph_tells_the_public_class(model: Any, kind: str, link: str | None, tmp_path: Path) -> None:
    flowers, species = FLOWERS.drop(columns="target"), FLOWERS["target"]
    target = deployed(saved(model.fit(flowers.to_numpy(), species), tmp_path, flowers), mex.Table("flowers", flowers))
    assert target.family.kind == kind
    assert target.family.public.get("link") == link
    assert target.schema is not None
    rows = target.schema.encode(flowers)
    assert (target.answer(rows, "label") == model.predict(flowers.to_numpy())).mean() > 0.98


def test_margins_are_not_taken_for_probabilities(tmp_path: Path) -> None:
    machine = LinearSVC().fit(StandardScaler().fit_transform(X), y)
    assert deployed(saved(machine, tmp_path), mex.Table("tumours", X)).answers == ("label",)
