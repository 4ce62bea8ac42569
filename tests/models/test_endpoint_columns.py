"""An endpoint tells which columns it takes, and more than it should: both are read, and the second is a finding."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import servers
from servers import Server
from sklearn.linear_model import LogisticRegression

import mex
from mex_endpoint import findings, waiting
from mex_endpoint.columns import applied, described
from mex_endpoint.model import Endpoint

FRAME = pd.DataFrame({"age": [17, 40, 90, 33], "paid": [1, 2, 3, 4], "member": [0, 1, 1, 0]})
Y = np.array(["no", "yes", "yes", "no"])
MODEL = LogisticRegression().fit(FRAME.to_numpy(float), Y)
TABLE = mex.Table("people", FRAME)
SIGNATURE = "['age': long (required), 'paid': double (required), 'member': boolean (optional)]"
MLFLOW = {  # as MLflow 3.17.2 answers a row without a column
    "error_code": "INVALID_PARAMETER_VALUE",
    "message": "Failed to predict data '[[1 2]]'. \nError: Failed to enforce schema of data '[[1 2]]' with schema "
    f"'{SIGNATURE}'. Error: Model is missing inputs ['member']. Note that there were extra inputs: [].",
    "sqlstate": "KAM01",
    "error_class": "SCHEMA_ENFORCEMENT_FAILED",
}
TRACE = {  # the same without a signature, cut short
    "error_code": "BAD_REQUEST",
    "message": "Encountered an unexpected error while evaluating the model.",
    "stack_trace": 'Traceback (most recent call last):\n  File "/opt/venv/lib/python3.11/site-packages/mlflow/pyfunc/'
    'scoring_server/__init__.py", line 348, in invocations\n    raw_predictions = model.predict(data, params=params)\n'
    "ValueError: X has 2 features, but StandardScaler is expecting 30 features as input.\n",
}
OPENAPI = {  # of FastAPI 0.115.14
    "openapi": "3.1.0",
    "paths": {
        "/health": {"get": {"operationId": "health_health_get"}},
        "/predict": {
            "post": {
                "requestBody": {
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Batch"}}},
                    "required": True,
                }
            }
        },
    },
    "components": {
        "schemas": {
            "Batch": {
                "properties": {"rows": {"items": {"$ref": "#/components/schemas/Person"}, "type": "array"}},
                "type": "object",
                "required": ["rows"],
            },
            "Person": {
                "properties": {
                    "age": {"type": "integer", "maximum": 120.0, "minimum": 0.0, "title": "Age"},
                    "paid": {"anyOf": [{"type": "number"}, {"type": "null"}], "title": "Paid"},
                    "member": {"type": "boolean", "title": "Member"},
                    "town": {"type": "string", "enum": ["Bonn", "Ulm"], "title": "Town"},
                },
                "type": "object",
                "required": ["age", "member", "town"],
            },
        }
    },
}
V2 = {
    "name": "lr",
    "versions": [],
    "platform": "",
    "inputs": [
        {"name": "age", "datatype": "INT64", "shape": [-1, 1]},
        {"name": "paid", "datatype": "FP64", "shape": [-1, 1]},
        {"name": "member", "datatype": "BOOL", "shape": [-1, 1]},
    ],
    "outputs": [],
}


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "MOST", 0.001)


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def call(answer: Callable[[bytes], Any], **given: Any) -> Server:
        started.append(Server(answer, **given))
        return started[-1]

    yield call
    for server in started:
        server.close()


def labels(body: bytes) -> Any:
    """MLflow with a signature."""
    rows = json.loads(body)["dataframe_split"]
    if rows["columns"] != ["age", "paid", "member"]:
        return 400, {}, json.dumps(MLFLOW).encode()
    return {"predictions": MODEL.predict(np.array(rows["data"], dtype=float)).tolist()}


def kinds(schema: Any) -> dict[str, str]:
    return {column.name: column.kind for column in schema.columns}


def test_what_an_error_of_mlflow_tells_of_the_columns_is_the_schema(serve: Callable[..., Server]) -> None:
    table_alone = kinds(mex.Schema.of(FRAME))
    assert table_alone == {"age": "integer", "paid": "integer", "member": "integer"}
    server = serve(labels)
    target = Endpoint(url=server.url, preset="mlflow-split", classes=["no", "yes"]).open(TABLE)
    assert kinds(target.schema) == {"age": "integer", "paid": "number", "member": "boolean"}
    assert target.domain.integer.tolist() == [True, False, True]
    target.answer(np.array([[40, 2.5, 1]]), "label")
    assert json.loads(server.requests[-1][2])["dataframe_split"]["data"] == [[40, 2.5, True]]
    assert [finding["kind"] for finding in target.estimator.findings] == ["columns"]


def test_a_table_without_a_column_that_the_server_names_is_a_sentence(serve: Callable[..., Server]) -> None:
    server = serve(labels)
    short = mex.Table("people", FRAME[["age", "paid"]])
    sentence = (
        r"the endpoint takes the columns age \(integer\), paid \(number\), member \(boolean\), and the table has no"
    )
    with pytest.raises(mex.UsageError, match=sentence + " member"):
        Endpoint(url=server.url, preset="mlflow-split", classes=["no", "yes"]).open(short)


def test_metadata_of_version_2_is_the_schema(serve: Callable[..., Server]) -> None:
    def answer(body: bytes) -> Any:
        columns = {tensor["name"]: tensor for tensor in json.loads(body)["inputs"]}
        rows = np.array([columns[name]["data"] for name in FRAME], dtype=float).T
        return {"outputs": [{"name": "predict", "datatype": "BYTES", "data": MODEL.predict(rows).tolist()}]}

    server = serve(answer, described={"/v2/models/lr": V2})
    url = f"http://127.0.0.1:{server.port}/v2/models/lr/infer"
    target = Endpoint(url=url, preset="v2-columns", classes=["no", "yes"], probe=False).open(TABLE)
    assert kinds(target.schema) == {"age": "integer", "paid": "number", "member": "boolean"}
    target.answer(np.array([[40, 2.5, 1]]), "label")
    sent = json.loads(server.requests[-1][2])["inputs"]
    assert [tensor["datatype"] for tensor in sent] == ["INT64", "FP64", "BOOL"]


@pytest.mark.parametrize(
    ("document", "suffix"), [(OPENAPI, ".json"), (V2, ".json"), ({"signature": {"inputs": None}}, "")], ids=str
)
def test_a_file_describes_the_columns(
    serve: Callable[..., Server], tmp_path: Path, document: dict[str, Any], suffix: str
) -> None:
    path = tmp_path / (f"it{suffix}" if suffix else "MLmodel")
    names = [("age", "long"), ("paid", "double"), ("member", "boolean")]
    if "signature" in document:
        document = {"signature": {"inputs": json.dumps([{"name": name, "type": kind} for name, kind in names])}}
    path.write_text(json.dumps(document))  # which is YAML as well
    frame = FRAME.assign(town=["Ulm", "Bonn", "Ulm", "Ulm"]) if "openapi" in document else FRAME

    def answer(body: bytes) -> Any:
        return {"predictions": ["no"] * len(json.loads(body)["dataframe_split"]["data"])}

    given = {"url": serve(answer).url, "preset": "mlflow-split", "classes": ["no", "yes"]}
    target = Endpoint(**given, columns=str(path)).open(mex.Table("people", frame))
    assert target.schema is not None
    assert list(kinds(target.schema).items())[:3] == [("age", "integer"), ("paid", "number"), ("member", "boolean")]
    if "openapi" in document:
        assert (target.domain.lower[0], target.domain.upper[0]) == (0, 120)
        assert target.schema.columns[3].levels == ("Bonn", "Ulm")
    path.write_text("{}")
    with pytest.raises(mex.UsageError, match="describes no columns"):
        Endpoint(**given, columns=str(path)).open(TABLE)


def test_a_column_that_the_server_does_not_take_is_not_sent() -> None:
    schema = mex.Schema.of(FRAME.assign(id=[1, 2, 3, 4]))
    assert list(kinds(applied(schema, described(V2)))) == ["age", "paid", "member"]
    tensor = {"inputs": [{"name": "x", "datatype": "FP64", "shape": [-1, 30]}]}
    with pytest.raises(mex.UsageError, match="the endpoint takes 30 columns, and the table has 3"):
        applied(mex.Schema.of(FRAME), described(tensor))
    assert described({"name": "lr", "inputs": [], "outputs": []}) == [], "as MLServer answers by default"


@pytest.mark.parametrize(
    ("words", "kinds"),
    [
        ('{"error":"builtins.ValueError: X has 19 features, but StandardScaler is expecting 30 features as input."}',
         ["class-name", "width"]),
        (json.dumps(TRACE), ["stack-trace", "class-name", "width"]),
        (json.dumps(MLFLOW), ["columns"]),
        ('{"error":"builtins.ValueError: columns are missing: {\'native-country\'}"}', ["columns"]),
        ("Feature shape mismatch, expected: 4, got 3", ["width"]),
        ("Internal Server Error", []),
        ('{"detail":"Not Found"}', []),
    ],
)  # fmt: skip
def test_what_errors_of_real_servers_tell(words: str, kinds: list[str]) -> None:
    found = findings.in_error(words)
    assert [finding.kind for finding in found] == kinds
    assert all(0 < len(finding.evidence) <= findings.SHOWN for finding in found)


def test_an_endpoint_that_tells_nothing_has_no_findings(serve: Callable[..., Server]) -> None:
    def careful(body: bytes) -> Any:
        rows = np.array(json.loads(body)["inputs"])
        return servers.mlflow(MODEL, body) if rows.shape[1] == 3 else (400, {}, b'{"error": "bad request"}')

    server = serve(careful)
    target = Endpoint(url=server.url, preset="mlflow", classes=["no", "yes"]).open(TABLE)
    assert target.estimator.findings == []


def test_digits_software_and_rows_of_any_width_are_findings(serve: Callable[..., Server]) -> None:
    def careless(body: bytes) -> Any:
        rows = np.array([[*row, 0, 0, 0][:3] for row in json.loads(body)["inputs"]], dtype=float)
        reply = {"predictions": MODEL.predict_proba(rows).tolist()}
        return 200, {"X-Powered-By": "PHP/5.6.1"}, json.dumps(reply).encode()

    target = Endpoint(url=serve(careless).url, preset="mlflow", classes=["no", "yes"]).open(TABLE)
    told = {finding["kind"]: finding["evidence"] for finding in target.estimator.findings}
    assert list(told) == ["software", "width-unchecked", "precision"]
    assert "PHP/5.6.1" in told["software"]
    assert findings.in_url("http://models.example.com/x")[0].kind == "plain-http"
    assert findings.in_url("https://models.example.com/x") == []
    assert findings.in_probabilities(np.array([[0.25, 0.75], [0.3, 0.7]])) == []
    assert findings.in_probabilities(np.array([[0.123456789, 0.876543211]])) != []


def test_findings_stand_in_the_record_without_secrets(
    serve: Callable[..., Server], run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "s3cr3t-of-a-user")

    def telling(body: bytes) -> Any:
        rows = np.array(json.loads(body)["inputs"], dtype=float)
        if rows.shape[1] == 3:
            return servers.mlflow(MODEL, body)
        return 500, {}, b"Traceback: token s3cr3t-of-a-user, 3 columns; LogisticRegression is expecting 3 features"

    FRAME.sample(60, replace=True, random_state=0).to_csv(tmp_path / "rows.csv", index=False)
    model = f"endpoint:url='{serve(telling).url}',preset=mlflow,headers={{A='$TOKEN'}},classes=['no','yes'],batch=1"
    done = run(
        "attack",
        "passive:model=logistic,sampler=uniform",
        "-m",
        model,
        "--data",
        tmp_path / "rows.csv",
        "--budget",
        120,
        "--json",
    )
    record = json.loads(done.stdout)
    told = {finding["kind"]: finding for finding in record["findings"]}
    assert list(told) == ["stack-trace", "class-name", "width", "no-limit"]
    assert told["no-limit"]["evidence"] == "120 requests with 120 rows were answered, and none was refused"
    assert "s3cr3t" not in done.stdout + done.stderr
    shown = run("attack", "passive:model=logistic", "-m", model, "--data", tmp_path / "rows.csv", "--budget", 5).stdout
    assert "Beside its answers: an error shows the stack of its code, with paths and versions (stack-trace); " in shown
    assert "$TOKEN" in told["stack-trace"]["evidence"]
