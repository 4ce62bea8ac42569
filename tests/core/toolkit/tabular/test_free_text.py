"""Columns of free text: known for what they are, and said to be, as attacks ask but the texts that were seen."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

import mex
from mex.dataset import Table
from mex.toolkit.tabular.holding import hold
from mex.toolkit.tabular.opening import open_model

Finished = subprocess.CompletedProcess[str]


def reviews(n: int = 60) -> tuple[pd.DataFrame, list[str]]:
    rng = np.random.default_rng(0)
    words, marks = np.array(["film", "plot", "fine", "dull", "long", "score"]), np.array(["fine", "dull"])
    mark = rng.integers(2, size=n)
    texts = [" ".join([*rng.choice(words, 6), marks[i]]) for i in mark]
    town = rng.choice(["Bern", "Rom"], n)
    return pd.DataFrame({"review": texts, "town": town, "stars": rng.integers(1, 6, n)}), [
        "up" if i else "no" for i in mark
    ]


def of_columns(text: Any, other: Any = None) -> Any:
    """The unfitted start of a model that gives ``review`` to ``text``."""
    return make_column_transformer((text, "review"), (other or OneHotEncoder(), ["town"]), remainder="passthrough")


@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(of_columns(TfidfVectorizer()), LogisticRegression()),
        make_pipeline(of_columns(make_pipeline(CountVectorizer(), TruncatedSVD(2))), RandomForestClassifier(5)),
        make_pipeline(of_columns(HashingVectorizer(n_features=16), OrdinalEncoder()), LogisticRegression()),
        CalibratedClassifierCV(make_pipeline(of_columns(TfidfVectorizer()), LogisticRegression()), ensemble=False),
    ],
    ids=["words", "projected", "hashed", "calibrated"],
)
def test_a_column_that_is_taken_apart_is_free_text_and_no_other(model: Any) -> None:
    X, y = reviews()
    target = open_model(model.fit(X, y), Table("reviews", X))
    assert target.schema is not None
    assert {c.name: c.free_text for c in target.schema.columns} == {"review": True, "town": False, "stars": False}
    assert mex.Schema.of(target.schema.to_dict()).columns == target.schema.columns, "also when it is saved and read"
    assert "column 'review' is free text" in str(hold(target, Table("reviews", X)))


def test_texts_that_are_categories_are_no_free_text() -> None:
    X, y = reviews()
    model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression()).fit(X, y)
    target = open_model(model, Table("reviews", X))
    assert target.schema is not None
    assert not any(column.free_text for column in target.schema.columns)
    assert "free text" not in str(hold(target, Table("reviews", X)))


def test_a_model_of_texts_alone_is_told_how_it_takes_tables() -> None:
    X, y = reviews()
    alone = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(X["review"], y)
    with pytest.raises(mex.UsageError, match=r"one text a row, not a table, as it starts with TfidfVectorizer"):
        open_model(alone, Table("reviews", X[["review"]]))


def test_no_gate_of_a_matrix_passes_where_texts_may_be_written(run: Callable[..., Finished], tmp_path: Path) -> None:
    X, y = reviews()
    skops.io.dump(
        make_pipeline(of_columns(TfidfVectorizer()), LogisticRegression()).fit(X, y), tmp_path / "model.skops"
    )
    X.assign(score=y).to_csv(tmp_path / "rows.csv", index=False)
    matrix = ["matrix", "-a", "passive", "-d", "none", "-m", f"file:path={tmp_path / 'model.skops'}", "--jobs", "1"]
    matrix += ["--data", f"csv:path={tmp_path / 'rows.csv'}", "--budget", "10", "--seeds", "1"]
    assert run(*matrix).returncode == 0
    done = run(*matrix, "--fail-if", "agreement > 1", "--junit", tmp_path / "junit.xml")
    assert done.returncode == 4
    assert done.stderr.endswith("mex: gate: attacks that write texts were not tried, and may break it\n")
    assert "<error" in (tmp_path / "junit.xml").read_text(encoding="utf-8")
    assert run(*matrix, "--fail-if", "agreement <= 1").returncode == 3
