"""The gateway over HTTP: what it answers is the defended model's, what it refuses is a sentence, and all is counted."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from gateways import Running
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import mex
from mex.app.matrix.cells import Cell
from mex.app.matrix.experiment import measure
from mex.registry.spec import Spec
from mex.serving.gateway.app import Doors
from mex.serving.gateway.clients import Clients

TUMOURS: pd.DataFrame = load_breast_cancer(as_frame=True).frame
TUMOURS.columns = [name.replace(" ", "_") for name in TUMOURS.columns]
X = TUMOURS.drop(columns="target").to_numpy()
MODEL = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, TUMOURS["target"])
NOISE = "gaussian-output:scale=0.8,sticky=true"
SECRET = "hunter2-of-the-test"
BY_KEY = Doors(clients=Clients(header="X-API-Key"), most_bytes=1 << 20)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the model and its rows are."""
    path = tmp_path_factory.mktemp("gateway")
    skops.io.dump(MODEL, path / "model.skops")
    TUMOURS.to_csv(path / "rows.csv", index=False)
    return path


@pytest.fixture(scope="module")
def data(folder: Path) -> str:
    """The rows, as the command line names them."""
    return f"csv:path={folder / 'rows.csv'},target=target"


@pytest.fixture(scope="module")
def limited(registry: mex.Registry, folder: Path, data: str) -> Iterator[Running]:
    """Sticky noise and a budget of 1000 for each key."""
    (folder / "limited").mkdir()
    running = Running(
        registry,
        folder / "limited",
        str(folder / "model.skops"),
        defense=f"{NOISE} + query-budget:limit=1000",
        dataset=data,
        doors=BY_KEY,
        log=folder / "limited.jsonl",
    )
    yield running
    running.close()


def v2(rows: Any, *outputs: str) -> dict[str, Any]:
    flat = np.asarray(rows).ravel().tolist()
    body = {"inputs": [{"name": "x", "shape": list(np.shape(rows)), "datatype": "FP64", "data": flat}]}
    return body | ({"outputs": [{"name": name} for name in outputs]} if outputs else {})


def test_labels_and_probabilities_are_those_of_the_defended_classifier(limited: Running) -> None:
    served = mex.DefendedClassifier.wrap(
        MODEL, f"{NOISE} + query-budget:limit=1000000", X, TUMOURS["target"], secret="of the test"
    )
    key = {"X-API-Key": "equal"}
    said = limited.http.post("/v2/models/m/infer", json=v2(X[:300], "predict", "predict_proba"), headers=key).json()
    labels, shares = (np.array(part["data"]).reshape(part["shape"]) for part in said["outputs"])
    assert [part["datatype"] for part in said["outputs"]] == ["INT64", "FP64"]
    assert (labels.ravel() == served.predict(X[:300])).all()
    assert (labels.ravel() != MODEL.predict(X[:300])).any(), "the noise is there"
    assert (shares == served.predict_proba(X[:300])).all()
    assert limited.ask(X[:300].tolist(), key).json()["predictions"] == labels.ravel().tolist()


def test_a_budget_is_one_clients_and_is_the_limit(limited: Running) -> None:
    answered = 0
    for i in range(0, 1200, 30):
        reply = limited.ask(X[:30].tolist(), {"X-API-Key": "spent"})
        answered += 30 * (reply.status_code == 200)
        if i >= 1000:
            assert reply.status_code == 429
            assert reply.headers["Retry-After"] == "86400"
            assert reply.json()["message"].startswith("a defense refuses ")
    assert answered == 990
    assert limited.ask(X[:10].tolist(), {"X-API-Key": "spent"}).status_code == 200
    assert limited.ask(X[:1].tolist(), {"X-API-Key": "spent"}).status_code == 429
    assert limited.ask(X[:1].tolist(), {"X-API-Key": "other"}).status_code == 200


ROW = X[0].tolist()
BAD: list[tuple[str, Any, int, str]] = [
    ("/invocations", b"{", 400, "the body is not JSON"),
    ("/invocations", b"\xff\xfe", 400, "the body is not JSON"),
    ("/invocations", b"[" * 100_000, 400, "the body is not JSON"),
    ("/invocations", b"[]", 400, "the body is not a JSON object"),
    ("/invocations", {"rows": [ROW]}, 400, "the body must have one of inputs, instances, dataframe_split"),
    ("/invocations", {"inputs": []}, 400, "the request has no row"),
    ("/invocations", {"inputs": [ROW[:-1]]}, 400, "rows must have 30 values, and these have 29"),
    ("/invocations", {"inputs": [[*ROW, 0.0]]}, 400, "rows must have 30 values, and these have 31"),
    ("/invocations", {"inputs": [ROW, ROW[:-1]]}, 400, "the rows of a request must all have the same length"),
    ("/invocations", {"inputs": [[None, *ROW[1:]]]}, 400, "has no value"),
    ("/invocations", {"inputs": [["1.5", *ROW[1:]]]}, 400, 'takes numbers, not "1.5"'),
    ("/invocations", {"inputs": [[True, *ROW[1:]]]}, 400, "takes numbers, not true"),
    ("/invocations", {"inputs": [[[1.0], *ROW[1:]]]}, 400, "has no single value"),
    ("/invocations", b'{"inputs": [[NaN]]}', 400, "NaN is no number of it"),
    ("/invocations", b'{"inputs": [[-Infinity]]}', 400, "-Infinity is no number of it"),
    ("/invocations", b'{"inputs": [[1e400%s]]}' % (b", 0" * 29), 400, "a number that float64 does not hold"),
    ("/invocations", b'{"inputs": [[1%s%s]]}' % (b"0" * 4000, b", 0" * 29), 400, "float64 does not hold"),
    ("/invocations", b'{"inputs": [[1%s]]}' % (b"0" * 5000), 400, "the body is not JSON"),
    ("/invocations", {"inputs": [ROW] * 1001}, 413, "1001 rows, and at most 1000 are answered at once"),
    ("/invocations", b" " * (1 << 20) + b"{}", 413, "the body is longer than 1048576 bytes"),
    ("/invocations", {"dataframe_split": {"columns": ["a"], "data": [ROW]}}, 400, "1 columns and rows of 30 values"),
    ("/invocations", {"dataframe_records": [{"a": 1}]}, 400, "the request has no column"),
    ("/v2/models/m/infer", {}, 400, "the body must have inputs"),
    ("/v2/models/m/infer", {"inputs": [{"name": "x"}]}, 400, "must have a shape"),
    ("/v2/models/m/infer", v2([ROW]) | {"outputs": [{"name": "apply"}]}, 400, "there are: predict, predict_proba"),
    ("/v2/models/m/infer", {"inputs": [v2([ROW])["inputs"][0] | {"shape": [1, 31]}]}, 400, "its shape says 31"),
    ("/v2/models/m/infer", {"inputs": [v2([ROW])["inputs"][0] | {"shape": [10**9, 10**9]}]}, 400, "its shape says"),
    ("/v2/models/m/infer", {"inputs": [v2([ROW])["inputs"][0] | {"datatype": "FP65"}]}, 400, "must have a datatype"),
    ("/v2/models/other/infer", v2([ROW]), 404, "there is nothing at this path"),
]


@pytest.mark.parametrize(("path", "body", "status", "said"), BAD, ids=[f"{i}" for i in range(len(BAD))])
def test_a_bad_request_is_a_sentence(limited: Running, path: str, body: Any, status: int, said: str) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "X-API-Key": "bad"}
    reply = limited.http.post(path, content=content, headers=headers)
    assert reply.status_code == status
    sentence = reply.json().get("message") or reply.json()["error"]
    assert said in sentence
    assert "\n" not in sentence


def test_what_is_not_the_clients_json_is_refused(limited: Running) -> None:
    for headers in ({"Content-Type": "text/csv"}, {"Content-Encoding": "gzip"}):
        assert limited.http.post("/invocations", content=b"{}", headers=headers | {"X-API-Key": "a"}).status_code == 415
    assert limited.ask([ROW]).status_code == 401
    assert limited.http.get("/invocations").status_code == 405

    def endless() -> Iterator[bytes]:
        for _ in range(200):
            yield b" " * 16384

    reply = limited.http.post("/invocations", content=endless(), headers={"X-API-Key": "a"})
    assert reply.status_code == 413


def test_after_hundreds_of_mangled_requests_nothing_is_lost_and_nothing_told(
    limited: Running, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rng = random.Random(0)
    good = [json.dumps({"inputs": X[i : i + 2].tolist()}).encode() for i in range(20)]
    good += [json.dumps(v2(X[i : i + 2], "predict_proba")).encode() for i in range(20)]
    scraps = [b"null", b"NaN", b"[", b"]", b"{}", b'"', b"-", b"1e999", b"\x00", b"true", b"\\ud800", b"[[]]", b'"a"']
    answered = 0
    for _ in range(400):
        body = bytearray(rng.choice(good))
        for _ in range(rng.randrange(4)):
            at = rng.randrange(len(body))
            body[at : at + rng.randrange(12)] = rng.choice(scraps)
        path = rng.choice(["/invocations", "/v2/models/m/infer"])
        headers = {"X-API-Key": SECRET, "Content-Type": "application/json"}
        reply = limited.http.post(path, content=bytes(body), headers=headers)
        assert reply.status_code in (200, 400, 429), reply.text
        assert SECRET not in reply.text
        assert "Traceback" not in reply.text
        said = reply.json()
        if reply.status_code == 200:
            answered += len(said["predictions"]) if "predictions" in said else said["outputs"][0]["shape"][0]
    assert 20 < answered <= 1000
    lines = [json.loads(line) for line in (folder / "limited.jsonl").read_text(encoding="utf-8").splitlines()]
    who = Clients(header="X-API-Key").of({"x-api-key": SECRET}, None)
    ours = [line for line in lines if line.get("client") == who]
    assert sum(line["rows"] for line in ours if line["status"] == 200) == answered
    assert len(ours) == 400
    assert SECRET not in (folder / "limited.jsonl").read_text(encoding="utf-8")
    out, err = capfd.readouterr()
    assert "Traceback" not in out + err
    assert SECRET not in out + err


def test_the_counters_are_what_was_answered(limited: Running) -> None:
    def counted() -> dict[str, float]:
        lines = limited.http.get("/metrics").text.splitlines()
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}

    before = counted()
    limited.ask(X[:7].tolist(), {"X-API-Key": "counted"})
    limited.ask(X[:1, :3].tolist(), {"X-API-Key": "counted"})
    after = counted()
    names = [
        'mex_requests_total{status="200"}',
        'mex_requests_total{status="400"}',
        'mex_rows_total{outcome="answered"}',
    ]
    assert [after[name] - before.get(name, 0) for name in names] == [1, 1, 7]
    assert limited.http.get("/metrics", headers={"X-Forwarded-For": "10.0.0.7"}).status_code == 404


def test_an_attack_over_the_gateway_asks_what_it_asks_in_process(
    registry: mex.Registry, folder: Path, data: str, tmp_path: Path
) -> None:
    running = Running(registry, tmp_path, str(folder / "model.skops"), dataset=data)
    try:
        url = f"{running.url}/v2/models/m/infer"
        behind = Spec.parse(f"endpoint:url={url},preset=v2,family=linear,classes=[0,1]")
        over, within = (
            measure(
                registry, Cell(**specs(registry, model, data), seed=0, answers=None, budget=600, price_per_query=0.0)
            )
            for model in (behind, Spec("file", {"path": str(folder / "model.skops")}))
        )
    finally:
        running.close()
    assert over[0]["queries"] == within[0]["queries"] < 600
    assert (over[1].transcript.X == within[1].transcript.X).all()
    assert over[0]["agreement"] == within[0]["agreement"] == 1.0


def specs(registry: mex.Registry, model: Spec, data: str) -> dict[str, Spec]:
    parts = {"attack": "pivot:eps=0.05", "defense": "none", "model": model, "dataset": data}
    return {kind: registry.resolve(kind, Spec.of(text, kind)) for kind, text in parts.items()}


def test_a_gateway_in_front_of_another_answers_as_it_does(
    registry: mex.Registry, folder: Path, data: str, tmp_path: Path
) -> None:
    for name in ("behind", "front"):
        (tmp_path / name).mkdir()
    behind = Running(registry, tmp_path / "behind", str(folder / "model.skops"), dataset=data)
    model = f"endpoint:url={behind.url}/invocations,preset=mlflow,classes=[0,1]"
    front = Running(registry, tmp_path / "front", model, defense="query-budget:limit=20", dataset=data)
    try:
        assert front.ask(X[:20].tolist()).json()["predictions"] == MODEL.predict(X[:20]).tolist()
        assert front.ask(X[:1].tolist()).status_code == 429
    finally:
        front.close()
        behind.close()


def test_tables_with_categories_are_asked_by_name(registry: mex.Registry, tmp_path: Path) -> None:
    people = pd.DataFrame({"age": [20, 30, 40, 50] * 10, "job": ["clerk", "nurse", "clerk", "smith"] * 10})
    paid = ["no", "yes", "yes", "no"] * 10
    encoder = make_column_transformer((OneHotEncoder(), ["job"]), remainder="passthrough")
    model = make_pipeline(encoder, LogisticRegression()).fit(people, paid)
    skops.io.dump(model, tmp_path / "paid.skops")
    people.assign(paid=paid).to_csv(tmp_path / "people.csv", index=False)
    dataset = f"csv:path={tmp_path / 'people.csv'},target=paid"
    running = Running(registry, tmp_path, f"file:path={tmp_path / 'paid.skops'}", dataset=dataset)
    try:
        asked = pd.DataFrame({"age": [20.5, 40], "job": ["nurse", "smith"]})
        expected = model.predict(asked).tolist()
        records = asked.assign(id=[7, 8]).to_dict("records")
        split = {"columns": ["job", "age"], "data": asked[["job", "age"]].to_numpy().tolist()}
        tensors = [
            {"name": "job", "shape": [2, 1], "datatype": "BYTES", "data": ["nurse", "smith"]},
            {"name": "age", "shape": [2], "datatype": "FP64", "data": [20.5, 40]},
        ]
        for form in ({"dataframe_records": records}, {"dataframe_split": split}, {"inputs": asked.to_dict("list")}):
            assert running.http.post("/invocations", json=form).json() == {"predictions": expected}
        reply = running.http.post("/v2/models/m/infer", json={"inputs": tensors, "id": "7"}).json()
        assert (reply["id"], reply["outputs"][0]["data"], reply["outputs"][0]["datatype"]) == ("7", expected, "BYTES")
        strange = running.http.post("/invocations", json={"inputs": {"age": [1], "job": ["spy"]}})
        assert strange.json()["message"] == "row 0: column 'job' does not take \"spy\""
        told = running.http.get("/v2/models/m").json()
        assert [(part["name"], part["datatype"]) for part in told["inputs"]] == [("age", "FP64"), ("job", "BYTES")]
    finally:
        running.close()


def test_a_model_that_fails_costs_its_client_nothing(
    registry: mex.Registry, folder: Path, data: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    running = Running(registry, tmp_path, str(folder / "model.skops"), dataset=data, defense="query-budget:limit=5")
    try:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(LogisticRegression, "predict", lambda *_: 1 / 0)
            for _ in range(3):
                reply = running.ask(X[:5].tolist())
                assert reply.status_code == 500
                assert reply.json()["message"] == "the model fails at this request"
        assert running.ask(X[:5].tolist()).status_code == 200
    finally:
        running.close()
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_a_store_of_another_defense_is_not_gone_on_with(
    registry: mex.Registry, folder: Path, data: str, tmp_path: Path
) -> None:
    model = str(folder / "model.skops")
    Running(registry, tmp_path, model, dataset=data, defense="query-budget:limit=5").close()
    with pytest.raises(mex.UsageError, match="the store is that of query-budget:limit=5 before a model of 30 features"):
        Running(registry, tmp_path, model, dataset=data, defense="query-budget:limit=6")
