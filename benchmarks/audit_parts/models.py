"""Six models as their owners have them: fitted and saved, each with rows that it has not seen, as a table."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
import pyarrow as pa
import skops.io
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

import mex

Made = contextlib.AbstractContextManager[tuple[str, str]]
"""A model and its data, as ``mex audit`` takes them, while they are there."""

TEXT, NUMBER = make_column_selector(dtype_exclude="number"), make_column_selector(dtype_include="number")


def frame(dataset: str) -> tuple[pd.DataFrame, pd.Series[Any]]:
    """A dataset of ours as a data frame of numbers and texts, and its labels."""
    data = mex.load_registry().build("dataset", dataset).load()
    table = data.table()
    return pa.table(
        dict(table.columns) if not isinstance(table.columns, pa.Table) else table.columns
    ).to_pandas(), pd.Series(data.y)


def _saved(folder: Path, rows: pd.DataFrame, labels: pd.Series[Any]) -> str:
    """The table that the owner has, written once."""
    path = folder / "rows.csv"
    rows.assign(target=labels.to_numpy()).to_csv(path, index=False)
    return f"csv:path='{path}',target=target"


def _once(folder: Path, name: str, make: Callable[[Path], None]) -> Path:
    """The file of a model, made where there is none."""
    path = folder / name
    if not path.exists():
        make(path)
    return path


def _halves(dataset: str, n: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series[Any]]:
    """``n`` rows to fit on and the others, in an order of their own, and all labels by the index of their rows."""
    X, y = frame(dataset)
    mixed = X.sample(frac=1.0, random_state=0)
    return mixed[:n], mixed[n:], y


@contextlib.contextmanager
def strings(folder: Path) -> Iterator[tuple[str, str]]:
    """A pipeline of adult: texts encoded, numbers scaled, a logistic regression; skops."""
    X, y = frame("adult")
    encoded = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), TEXT), (StandardScaler(), NUMBER))

    def make(path: Path) -> None:
        skops.io.dump(make_pipeline(encoded, LogisticRegression(max_iter=1000)).fit(X[:20000], y[:20000]), path)

    yield str(_once(folder, "adult.skops", make)), _saved(folder, X[20000:26000], y[20000:26000])


@contextlib.contextmanager
def categories(folder: Path) -> Iterator[tuple[str, str]]:
    """Histogram boosting with categories on bank; joblib."""
    X, y = frame("bank")

    def make(path: Path) -> None:
        codes = make_column_transformer(
            (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), TEXT),
            remainder="passthrough",
            verbose_feature_names_out=False,
        ).set_output(transform="pandas")
        boosted = HistGradientBoostingClassifier(categorical_features=TEXT(X), random_state=0)
        joblib.dump(make_pipeline(codes, boosted).fit(X[:3000], y[:3000]), path)

    path = _once(folder, "bank.joblib", make)
    yield f"file:path='{path}',unsafe=true", _saved(folder, X[3000:], y[3000:])


@contextlib.contextmanager
def xgboost(folder: Path) -> Iterator[tuple[str, str]]:
    """XGBoost on spambase, 50 trees; its own format."""
    from xgboost import XGBClassifier

    seen, unseen, y = _halves("spambase", 3000)
    names = [f"frequency {i}" for i in range(seen.shape[1])]  # XGBoost refuses those with a bracket
    seen, unseen = seen.set_axis(names, axis=1), unseen.set_axis(names, axis=1)

    def make(path: Path) -> None:
        XGBClassifier(n_estimators=50, max_depth=3).fit(seen, y[seen.index]).save_model(path)

    yield str(_once(folder, "model.ubj", make)), _saved(folder, unseen, y[unseen.index])


@contextlib.contextmanager
def forest(folder: Path) -> Iterator[tuple[str, str]]:
    """A random forest of 300 trees on spambase; skops."""
    seen, unseen, y = _halves("spambase", 3000)

    def make(path: Path) -> None:
        skops.io.dump(RandomForestClassifier(300, random_state=0).fit(seen, y[seen.index]), path)

    yield str(_once(folder, "forest.skops", make)), _saved(folder, unseen, y[unseen.index])


@contextlib.contextmanager
def regression(folder: Path) -> Iterator[tuple[str, str]]:
    """A pipeline of diabetes: numbers scaled, gradient boosting of values; skops."""
    X, y = load_diabetes(return_X_y=True, as_frame=True)

    def make(path: Path) -> None:
        model = GradientBoostingRegressor(max_depth=2, n_estimators=60, random_state=0)
        skops.io.dump(make_pipeline(StandardScaler(), model).fit(X[:242], y[:242]), path)

    yield str(_once(folder, "diabetes.skops", make)), _saved(folder, X[242:], y[242:])


@contextlib.contextmanager
def endpoint(folder: Path) -> Iterator[tuple[str, str]]:
    """A scaled logistic regression on breast-cancer behind ``mex serve``, asked by the V2 protocol."""
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)

    def make(path: Path) -> None:
        skops.io.dump(make_pipeline(StandardScaler(), LogisticRegression()).fit(X[:300], y[:300]), path)

    path, data = _once(folder, "served.skops", make), _saved(folder, X[300:], y[300:])
    kept = folder / "port"  # the URL names the cells: the same one goes on with them
    port = kept.read_text(encoding="utf-8") if kept.exists() else "0"
    command = [Path(sys.executable).with_name("mex"), "serve", path, "--data", data, "--port", port]
    quiet = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=quiet) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            kept.write_text(url.split(":")[2].partition("/")[0], encoding="utf-8")
            yield f"endpoint:url='{url}',preset=v2,family=linear", data
        finally:
            server.terminate()


MODELS: dict[str, Callable[[Path], Made]] = {
    "strings": strings,
    "categories": categories,
    "xgboost": xgboost,
    "forest": forest,
    "regression": regression,
    "endpoint": endpoint,
}
