"""A record answers what it holds, in order, and nothing else: an audit from logs."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from gateways import Running
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

import mex
from mex.app.cli import main
from mex.app.matrix import ledgers
from mex.serving.gateway.app import Doors
from mex.serving.gateway.clients import Clients
from mex.testing import check_deployed
from mex.toolkit.ledger.store import Ledger
from mex.toolkit.ledger.values import keys_of
from mex_recorded.dataset import RecordedRows
from mex_recorded.model import Recorded

X, Y = load_iris(return_X_y=True)
NAMES = np.array(["setosa", "versicolor", "virginica"])
FRAME = pd.DataFrame(X, columns=["a", "b", "c", "d"])
TREE = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, NAMES[Y])


def opened(path: Path, **params: Any) -> mex.FittedTarget:
    """The target that a record is, about its own rows."""
    return Recorded(path=str(path), **params).open(RecordedRows(path=str(path)).table())


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of an attack by real rows on a tree on disk."""
    folder = tmp_path_factory.mktemp("recorded")
    skops.io.dump(TREE, folder / "tree.skops")
    FRAME.to_csv(folder / "rows.csv", index=False)
    passive = ["attack", "passive:sampler=uniform", "-m", str(folder / "tree.skops")]
    assert main([*passive, "--data", str(folder / "rows.csv"), "--budget", "120", "--out", str(folder)]) == 0
    (path,) = (folder / ledgers.FOLDER).glob("*.ledger")
    return path


def test_a_ledger_answers_as_its_model_did(ledger: Path) -> None:
    table = RecordedRows(path=str(ledger)).table()
    target = check_deployed(Recorded(path=str(ledger)), table)
    assert target.schema
    rows = target.schema.encode(table.columns)
    assert len(rows) == 120
    assert (target.answer(rows, "label") == TREE.predict(rows)).all()
    assert target.family.kind == "tree"
    assert target.domain.names == ("a", "b", "c", "d")


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_an_exported_ledger_is_the_same_record(
    ledger: Path, run: Callable[..., Any], tmp_path: Path, suffix: str
) -> None:
    assert run("ledger", ledger, "--export", tmp_path / f"x{suffix}").returncode == 0
    first, second = opened(ledger), opened(tmp_path / f"x{suffix}")
    table = RecordedRows(path=str(ledger)).table()
    assert first.schema
    assert second.schema
    rows = first.schema.encode(table.columns)
    assert (second.schema.encode(table.columns) == rows).all()
    assert (first.answer(rows, "label") == second.answer(rows, "label")).all()


def test_an_attack_by_recorded_rows_costs_nothing_and_one_that_makes_rows_up_is_skipped(
    ledger: Path, run: Callable[..., Any]
) -> None:
    record = f"recorded:path={ledger}"
    attacks = ["-a", "passive", "-a", "query-by-committee:sampler=pool", "-a", "tree-labels"]
    argv = ["matrix", *attacks, "-d", "none", "-m", record, "--data", record, "--seeds", 1, "--jobs", 1, "--json"]
    records = [json.loads(line) for line in run(*argv).stdout.splitlines()]
    by_name = {one["attack"]: one for one in records}
    for name in ("passive", "query-by-committee"):
        one = by_name[name]
        assert one["status"] == "ok", one["reason"]
        assert one["agreement"] > one["majority"]
        assert [one[field] for field in ("near_agreement", "uniform_agreement", "points")] == [None] * 3
    assert by_name["tree-labels"]["status"] == "skipped"
    assert "was never asked: a record answers the rows that it holds" in by_name["tree-labels"]["reason"]


def test_the_same_attack_is_trained_from_its_ledger(ledger: Path, run: Callable[..., Any], tmp_path: Path) -> None:
    folder = ledger.parent.parent
    record = f"recorded:path={ledger},family=tree"
    argv = ["attack", "passive:sampler=uniform", "--budget", 120, "--json"]
    live = json.loads(run(*argv, "-m", folder / "tree.skops", "--data", folder / "rows.csv").stdout)
    again = json.loads(run(*argv, "-m", record, "--data", f"recorded:path={ledger}", "--out", tmp_path).stdout)
    assert again["queries"] == live["queries"] == 120
    (copied,) = (tmp_path / ledgers.FOLDER).glob("*.ledger")
    first, second = (list(Ledger(path, read_only=True).rows("label")) for path in (ledger, copied))
    assert [(row.x, row.y) for row in first] == [(row.x, row.y) for row in second]


def test_rows_of_another_table_that_were_never_asked_are_left_out(ledger: Path, run: Callable[..., Any]) -> None:
    asked = pd.DataFrame(list(RecordedRows(path=str(ledger)).table().columns.values())).T
    asked.columns = FRAME.columns
    mixed = ledger.parent / "mixed.csv"
    pd.concat([asked.iloc[:60], FRAME.iloc[:50]]).to_csv(mixed, index=False)
    done = run("attack", "passive", "-m", f"recorded:path={ledger}", "--data", mixed, "--json")
    assert json.loads(done.stdout)["queries"] == 20
    assert "50 of 110 rows were never asked and are left out" in done.stderr
    FRAME.iloc[:50].to_csv(mixed, index=False)
    done = run("attack", "passive", "-m", f"recorded:path={ledger}", "--data", mixed)
    assert done.returncode == 2
    assert "has no row that the model takes: 50 of 50 rows were never asked and are left out" in done.stderr


def noisy(path: Path) -> Path:
    """The ledger of a client who asked one row three times, and another twice, of a model with noise."""
    keeps = Ledger(path, {"features": ["a", "b"], "classes": [0, 1]})
    rows = np.array([[1.0, 2.0], [1.0, 2.0], [3.0, 4.0], [1.0, 2.0], [3.0, -0.0]])
    questions = list(zip(keys_of(rows), (0, 1, 0, 2, 0), strict=True))
    keeps.answered(keeps.begin("attack", "label", 5), "label", rows, questions, np.array([0, 1, 1, 0, 1]))
    keeps.close()
    return path


def test_the_second_answer_to_a_row_is_the_second_one_recorded(tmp_path: Path) -> None:
    target = opened(noisy(tmp_path / "a.ledger"))
    row = np.array([[1.0, 2.0]])
    other = copy.deepcopy(target)
    assert target.answer(np.repeat(row, 2, axis=0), "label").tolist() == [0, 1]
    assert target.answer(row, "label").tolist() == [0]
    with pytest.raises(mex.Incompatible, match="asked 4 times, and the record has 3 answers to it that differ"):
        target.answer(row, "label")
    assert other.answer(np.repeat(row, 3, axis=0), "label").tolist() == [0, 1, 0], "another client begins anew"
    steady = np.array([[3.0, 4.0], [3.0, 4.0], [3.0, 0.0]])
    assert target.answer(steady, "label").tolist() == [1, 1, 1]


def test_the_log_of_a_gateway_is_a_record_of_each_client(registry: mex.Registry, tmp_path: Path) -> None:
    people = pd.DataFrame({"age": [20.5, 30, 40, 50] * 5, "job": ["clerk", "nurse", "clerk", "smith"] * 5})
    paid = ["no", "yes", "yes", "no"] * 5
    encoder = make_column_transformer((OneHotEncoder(), ["job"]), remainder="passthrough")
    model = make_pipeline(encoder, LogisticRegression()).fit(people, paid)
    skops.io.dump(model, tmp_path / "paid.skops")
    people.assign(paid=paid).to_csv(tmp_path / "people.csv", index=False)
    doors = Doors(clients=Clients(header="X-API-Key"), most_bytes=1 << 20)
    log = tmp_path / "access.jsonl"
    dataset = f"csv:path={tmp_path / 'people.csv'},target=paid"
    running = Running(
        registry,
        tmp_path,
        f"file:path={tmp_path / 'paid.skops'}",
        dataset=dataset,
        log=log,
        doors=doors,
        answers="proba",
    )
    try:
        for name, rows in (("bank", people[:3]), ("shop", people[2:4]), ("bank", people[:1])):
            body = {"dataframe_split": {"columns": list(rows), "data": rows.to_numpy().tolist()}}
            assert running.http.post("/invocations", json=body, headers={"X-API-Key": name}).status_code == 200
        running.http.post("/invocations", json={"inputs": [[1]]}, headers={"X-API-Key": "bank"})
    finally:
        running.close()
    clients = sorted(
        {json.loads(line).get("client") or "" for line in log.read_text(encoding="utf-8").splitlines()} - {""}
    )
    everybody, one = opened(log), opened(log, client=clients[0])
    assert everybody.answers == ("proba",)
    assert everybody.classes is not None
    assert everybody.classes.tolist() == ["no", "yes"]
    assert everybody.schema
    rows = everybody.schema.encode(people[:4])
    assert np.allclose(everybody.answer(rows, "proba"), model.predict_proba(people[:4]))
    told = RecordedRows(path=str(log)).table().columns
    assert told == {"age": [20.5, 30, 40, 50], "job": ["clerk", "nurse", "clerk", "smith"]}
    sizes = sorted(len(RecordedRows(path=str(log), client=client).table().columns["age"]) for client in clients)
    assert sizes == [2, 3]
    assert one.schema
    with pytest.raises(mex.UsageError, match="holds no answer to 'nobody'"):
        opened(log, client="nobody")


def test_a_model_learns_from_a_record(ledger: Path) -> None:
    data = RecordedRows(path=str(ledger)).load()
    assert data.class_names == ("setosa", "versicolor", "virginica")
    assert (NAMES[data.y] == TREE.predict(data.X)).all()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is no ledger, no access log, and no table"),
        (b"a,b\n1,2\n", "has no columns of answers, such as label or proba, beside what was sent"),
        (b"{}\n", "is no access log of mex serve: no line says what is served"),
        (b'{"about": {"features": ["a"]}}\n{torn\n{}\n', "line 2: that is no line of an access log"),
        (b'{"about": {"features": ["a"]}}\n{"about": {"features": ["b"]}}\n', "is the log of several models"),
        (b'{"about": {"features": ["a"]}}\n', "holds no answer"),
        (b"SQLite format 3\0", "cannot read the ledger"),
    ],
)
def test_what_is_no_record_is_a_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / "record").write_bytes(content)
    with pytest.raises(mex.UsageError, match=sentence):
        Recorded(path=str(tmp_path / "record")).open(None)


def test_a_torn_last_line_of_a_log_is_left_out(tmp_path: Path) -> None:
    about = {"about": {"features": ["a"], "classes": [0, 1]}}
    line = {"client": "x", "status": 200, "X": [[1.0], [2.0]], "answers": {"label": [0, 1]}}
    text = "\n".join(map(json.dumps, [about, line])) + '\n{"client": "x", "X": [[3.0'
    (tmp_path / "log").write_text(text, encoding="utf-8")
    assert opened(tmp_path / "log").answer(np.array([[2.0], [1.0]]), "label").tolist() == [1, 0]
