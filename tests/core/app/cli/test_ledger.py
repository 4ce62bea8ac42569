"""``mex attack --out``, ``mex matrix --ledger`` and ``mex ledger``: attacks that go on, and what they asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import attrs
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

import mex
from mex.app.cli.ledger import _paths
from mex.app.matrix import ledgers
from mex.toolkit.tabular.opening import open_model
from mex.types import Array, FloatArray

X, Y = load_iris(return_X_y=True)
FRAME = pd.DataFrame(X, columns=["a", "b", "c", "d"])
TREE = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, np.array(["setosa", "versicolor", "virginica"])[Y])


class Service:
    """A deployed tree that counts the rows it is asked, and breaks down after some."""

    asked = 0
    breaks_after = 10**9
    classes_ = TREE.classes_
    n_features_in_ = 4

    def predict(self, rows: FloatArray) -> Array:
        if Service.asked + len(rows) > Service.breaks_after:
            raise ConnectionError("the service is down")
        Service.asked += len(rows)
        return np.asarray(TREE.predict(np.asarray(rows)))


@attrs.frozen(kw_only=True)
class Live:
    """The service of this module."""

    scope: ClassVar[mex.Scope] = mex.Scope()

    def open(self, table: mex.Table | None) -> mex.FittedTarget:
        """Open it."""
        return open_model(Service(), table, family=mex.Family("tree"))


@pytest.fixture
def live(given: Callable[..., mex.Registry], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A table for the model ``live``, which the command line knows."""
    registry = given(model={"live": Live})
    monkeypatch.setattr("mex.app.cli.load_registry", lambda: registry)
    monkeypatch.setattr(Service, "asked", 0)
    monkeypatch.setattr(Service, "breaks_after", 10**9)
    FRAME.to_csv(tmp_path / "rows.csv", index=False)
    return tmp_path / "rows.csv"


ADAPTIVE = "margin:model=decision-tree,sampler=uniform,batch=10"


def record_of(finished: Any) -> dict[str, Any]:
    assert finished.returncode in (0, 1), finished.stderr
    record: dict[str, Any] = json.loads(finished.stdout)
    return {name: value for name, value in record.items() if "seconds" not in name and name != "latency_added"}


def test_an_attack_that_broke_off_goes_on_and_pays_for_no_answer_twice(
    live: Path, run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attack = ["attack", ADAPTIVE, "-m", "live", "--data", live, "--budget", 300, "--json"]
    whole = record_of(run(*attack, "--out", tmp_path / "whole"))
    assert whole["rows_sent"] == whole["rows_answered"] == whole["queries"]
    monkeypatch.setattr(Service, "breaks_after", Service.asked + whole["queries"] // 2)
    broken = run(*attack, "--out", tmp_path / "broken")
    assert broken.returncode == 1
    assert "the same command again goes on" in broken.stderr
    partly = record_of(broken)["rows_answered"]
    assert 0 < partly < whole["queries"]
    monkeypatch.setattr(Service, "breaks_after", 10**9)
    before = Service.asked
    resumed = record_of(run(*attack, "--out", tmp_path / "broken"))
    compared = 5
    assert Service.asked - before == whole["queries"] - partly + compared
    told = {"rows_sent", "cell"}
    assert {k: v for k, v in resumed.items() if k not in told} == {k: v for k, v in whole.items() if k not in told}
    before = Service.asked
    assert record_of(run(*attack, "--out", tmp_path / "broken")) == resumed
    assert Service.asked == before
    stolen = tmp_path / "stolen.skops"
    assert record_of(run(*attack, "--out", tmp_path / "broken", "--save", stolen))["agreement"] == whole["agreement"]
    assert stolen.exists()
    assert Service.asked == before, "a stolen model is rebuilt from the ledger"


def test_a_defense_in_front_of_a_deployed_model_is_as_it_was(
    live: Path, run: Callable[..., Any], tmp_path: Path
) -> None:
    attack = [
        "attack",
        "passive:model=decision-tree",
        "-m",
        "live",
        "--data",
        live,
        "-d",
        "bounded-noise:rho=0.3",
        "--budget",
        80,
        "--json",
    ]
    first = record_of(run(*attack, "--out", tmp_path))
    (tmp_path / "results.jsonl").unlink()
    assert record_of(run(*attack, "--out", tmp_path)) == first


def test_a_model_that_was_changed_is_told(
    live: Path, run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attack = ["attack", ADAPTIVE, "-m", "live", "--data", live, "--budget", 300, "--json", "--out", tmp_path]
    run(*attack[:-1], tmp_path / "other")
    monkeypatch.setattr(Service, "breaks_after", Service.asked + 100)
    run(*attack)
    monkeypatch.setattr(Service, "breaks_after", 10**9)
    monkeypatch.setattr(Service, "predict", lambda self, rows: np.repeat("virginica", len(rows)))
    assert "recorded rows are answered otherwise now: the target was changed" in record_of(run(*attack))["reason"]


def test_the_ledger_is_shown_and_exported(run: Callable[..., Any], tmp_path: Path) -> None:
    run("attack", "equation-solving", "-m", "logistic", "--data", "iris", "--answers", "proba", "--out", tmp_path)
    shown = run("ledger", tmp_path)
    totals = json.loads(run("ledger", tmp_path, "--json").stdout)
    assert totals["answers"] == totals["rows_sent"] > 0
    assert f"{totals['rows_sent']} rows sent: {totals['rows_sent'] * 0.0001:.6g} US dollars at most" in shown.stdout
    (path,) = (tmp_path / ledgers.FOLDER).glob("*.ledger")
    for name in ("rows.csv", "rows.parquet"):
        assert run("ledger", path, "--export", tmp_path / name).returncode == 0
    table = pd.read_csv(tmp_path / "rows.csv")
    assert len(table) == totals["answers"]
    shares = table[[name for name in table.columns if name.startswith("proba ")]]
    assert np.allclose(shares.sum(axis=1), 1)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "rows.parquet"), table, check_dtype=False)


def test_what_attacks_cost_comes_before_what_measured_them(tmp_path: Path) -> None:
    for name in ("evaluation-0", "f0", "00"):
        (tmp_path / f"{name}.ledger").touch()
    assert [path.stem for path in _paths(tmp_path)] == ["00", "f0", "evaluation-0"]


def test_a_matrix_keeps_a_ledger_for_each_cell(run: Callable[..., Any], tmp_path: Path) -> None:
    plan = ["matrix", "-a", "passive", "-d", "none", "-d", "query-budget:budget=20", "-m", "logistic", "--data", "iris"]
    done = run(*plan, "--budget", 60, "--seeds", 1, "--jobs", 2, "--out", tmp_path, "--ledger", "--json")
    records = {record["cell"]: record for record in map(json.loads, done.stdout.splitlines())}
    for cell, record in records.items():
        path = tmp_path / ledgers.FOLDER / f"{cell}.ledger"
        totals = json.loads(run("ledger", path, "--json").stdout)
        assert (totals["answers"], totals["defense"].split(":")[0]) == (record["queries"], record["defense"])
        run("ledger", path, "--export", tmp_path / "rows.csv")
        assert pd.read_csv(tmp_path / "rows.csv")["label"].isna().sum() == record["refused"]


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["ledger", "nowhere"], "nowhere is no ledger, and no directory that holds one"),
        (["matrix", "--ledger"], "ledgers are kept in a directory of this machine: name one, and no cluster"),
    ],
)
def test_a_mistake_is_a_sentence(run: Callable[..., Any], argv: list[str], sentence: str) -> None:
    done = run(*argv)
    assert (done.returncode, done.stderr) == (2, f"mex: {sentence}\n")


def test_a_ledger_is_exported_to_tables_only(run: Callable[..., Any], tmp_path: Path) -> None:
    run("attack", "passive", "-m", "logistic", "--data", "iris", "--budget", 10, "--out", tmp_path)
    done = run("ledger", tmp_path, "--export", tmp_path / "rows.xlsx")
    assert (done.returncode, done.stderr) == (2, "mex: a ledger is exported as .csv or .parquet, not 'rows.xlsx'\n")
