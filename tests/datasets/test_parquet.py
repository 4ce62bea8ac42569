"""A user's own file with types: read as it is meant, or refused in one sentence."""

from __future__ import annotations

import datetime
import decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import mex
import mex_parquet
from mex.app.matrix.scenarios import set_scene
from mex.dataset import Source
from mex.registry.spec import Spec
from mex.testing import check_dataset
from mex_parquet.dataset import Parquet

CLINIC = {"age": [41, 29, 35, 50], "smoker": ["no", "yes", None, "yes"], "risk": ["low", "high", "high", "low"]}


def write(folder: Path, columns: dict[str, Any], name: str = "clinic.parquet") -> str:
    pa.parquet.write_table(pa.table(columns), folder / name)
    return str(folder / name)


def test_it_is_registered_and_builds_with_no_argument() -> None:
    (component,) = mex_parquet.mex_components()
    assert (component.kind, component.name) == ("dataset", "parquet")
    assert isinstance(Parquet(), Source)
    with pytest.raises(mex.UsageError, match="parquet needs the path of a file"):
        Parquet().load()


def test_it_conforms(registry: mex.Registry, tmp_path: Path) -> None:
    check_dataset(registry.build("dataset", {"use": "parquet", "path": write(tmp_path, CLINIC)}))


@pytest.mark.parametrize("name", ["rows.parquet", "ROWS.PQ", "rows.feather", "a folder/rows.arrow"])
def test_the_name_of_a_file_is_the_file(name: str) -> None:
    assert Spec.parse(name, "dataset") == Spec("parquet", {"path": name})


@pytest.mark.parametrize("how", ["pandas", "pandas-feather", "polars", "polars-ipc", "arrow"])
def test_files_of_every_library_are_one_dataset(tmp_path: Path, how: str) -> None:
    path = tmp_path / "clinic.parquet"
    if how == "pandas":
        frame = pd.DataFrame(CLINIC, index=[7, 3, 1, 2])
        frame.astype({"smoker": "category"}).to_parquet(path)
    elif how == "pandas-feather":
        pd.DataFrame(CLINIC).to_feather(path)
    elif how == "polars":
        pl.DataFrame(CLINIC).write_parquet(path)
    elif how == "polars-ipc":
        pl.DataFrame(CLINIC).write_ipc(path)
    else:
        write(tmp_path, CLINIC)
    dataset = Parquet(path=str(path)).load()
    assert (dataset.name, dataset.target, dataset.class_names) == ("clinic", "risk", ("high", "low"))
    assert dataset.domain.names == ("age", "smoker=no", "smoker=yes")
    assert np.array_equal(dataset.X, [[41, 1, 0], [29, 0, 1], [35, np.nan, np.nan], [50, 0, 1]], equal_nan=True)
    assert dataset.notes == (
        ("column '__index_level_0__' is the index of the data frame that was saved, and is left out",)
        if how == "pandas"
        else ()
    )


def test_decimal_numbers_are_numbers_and_truth_values_one_feature(tmp_path: Path) -> None:
    money = [decimal.Decimal("1.25"), decimal.Decimal("2.50"), None]
    path = write(tmp_path, {"price": money, "new": [True, False, True], "sold": [0, 1, 1]})
    dataset = Parquet(path=path).load()
    assert dataset.domain.names == ("price", "new")
    assert np.array_equal(dataset.X, [[1.25, 1], [2.5, 0], [np.nan, 1]], equal_nan=True)


DAY = datetime.date(2026, 1, 2)


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ([DAY] * 2 + [DAY.replace(day=3)] * 28, "column 'x' holds dates or times: .* such as drop="),
        (list(range(30)), "column 'x' has another number in each row .* such as drop="),
        ([f"person {i}" for i in range(30)], "column 'x' holds 30 different texts .* such as drop="),
        ([[i] for i in range(30)], "column 'x' holds values of type list<.*>: .* such as drop="),
    ],
)
def test_what_is_no_feature_must_be_decided_on(tmp_path: Path, column: list[Any], said: str) -> None:
    columns = {"x": column, "size": [1.5, 2.5, 3.5] * 10, "kind": ["a", "b"] * 15}
    path = write(tmp_path, columns)
    with pytest.raises(mex.UsageError, match=said):
        Parquet(path=path).load()
    assert Parquet(path=path, drop="x").load().domain.names == ("size",)


def test_bad_files_are_a_sentence_each(tmp_path: Path) -> None:
    (tmp_path / "text.parquet").write_text("age,risk\n1,2\n", encoding="utf-8")
    (tmp_path / "bytes.parquet").write_bytes(b"age\0risk")
    whole = Path(write(tmp_path, CLINIC)).read_bytes()
    (tmp_path / "half.parquet").write_bytes(whole[: len(whole) // 2])
    pa.parquet.write_table(pa.Table.from_arrays([pa.array([1, 2])] * 2, names=["a", "a"]), tmp_path / "twice.parquet")
    for name, said in {
        "none.parquet": "no such file: ",
        "text.parquet": "is text: if it is CSV, give it a name that ends so, or csv:path=FILE",
        "bytes.parquet": "is no table in Parquet or Feather: ",
        "half.parquet": "is no table in Parquet or Feather: ",
        "twice.parquet": "has two columns 'a'",
    }.items():
        with pytest.raises(mex.UsageError, match=said):
            Parquet(path=str(tmp_path / name)).load()
    with pytest.raises(mex.UsageError, match=r"has no column 'rsk'; did you mean 'risk'\?"):
        Parquet(path=write(tmp_path, CLINIC), target="rsk").load()


def test_a_model_of_a_frame_meets_its_rows_in_parquet(tmp_path: Path, registry: mex.Registry) -> None:
    import skops.io

    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        {
            "when": pd.date_range("2026-01-01", periods=200),
            "size": rng.normal(size=200),
            "kind": pd.Categorical(rng.choice(["a", "b"], 200)),
        }
    )
    y = np.where(rows["size"] + (rows["kind"] == "a") > 0.5, "yes", "no")
    coded = make_column_transformer((OneHotEncoder(), ["kind"]), ("passthrough", ["size"]))
    skops.io.dump(make_pipeline(coded, LogisticRegression()).fit(rows[["size", "kind"]], y), tmp_path / "model.skops")
    rows.assign(bought=y).to_parquet(tmp_path / "rows.parquet")
    model, data = (
        Spec.parse(str(tmp_path / name), kind) for name, kind in (("model.skops", "model"), ("rows.parquet", "dataset"))
    )
    scene = set_scene(registry, model, data, 0)
    assert scene.target.domain.n_features == 3
    assert scene.yardstick.accuracies(scene.target)["target_accuracy"] > 0.9
    shown = mex.Schema.of(str(write(tmp_path, {"size": [1.5, 2.5], "kind": ["a", "b"]}, "shown.PQ")))
    assert [column.kind for column in shown.columns] == ["number", "category"]


@pytest.mark.parametrize(
    "values", [[2**60 + i for i in range(30)], [2**63 + i for i in range(30)], [1e308, -1e308] * 15]
)
def test_numbers_beyond_two_to_the_53_are_asked_about(tmp_path: Path, values: list[float]) -> None:
    column = pa.array(values, pa.uint64() if values[0] == 2**63 else None)
    path = write(tmp_path, {"z": column, "size": [1.5, 2.5, 3.5] * 10, "kind": ["a", "b"] * 15})
    with pytest.raises(mex.UsageError, match=r"column 'z' holds whole numbers beyond 2\*\*53 .* such as drop="):
        Parquet(path=path).load()


def test_a_folder_no_rows_and_types_that_no_word_makes_a_feature_are_a_sentence_each(tmp_path: Path) -> None:
    with pytest.raises(mex.UsageError, match="is a folder: give one file"):
        Parquet(path=str(tmp_path)).load()
    empty = write(tmp_path, {"age": pa.array([], pa.int64()), "risk": pa.array([], pa.string())})
    with pytest.raises(mex.UsageError, match="has no rows"):
        Parquet(path=empty).load()
    path = write(tmp_path, {"size": [1.5, 2.5], "since": [DAY, DAY]})
    with pytest.raises(mex.UsageError, match="column 'since' holds dates or times: name another target"):
        Parquet(path=path).load()
    with pytest.raises(mex.UsageError, match="column 'since' holds dates or times: drop it"):
        Parquet(path=path, target="size", categorical="since").load()
