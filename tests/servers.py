"""Small HTTP servers that answer as MLServer, KServe, MLflow, Azure ML, BentoML and SageMaker do."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

Sent = tuple[int, dict[str, str], bytes]


class Server:
    """A server on a free port of this machine.

    Attributes:
        answer: makes the reply to a body: a status, headers and a body; or the JSON of a good one.
        described: what a GET of a path answers; of others nothing.
        rows: the rows that were scored, in order.
        requests: the paths, headers and bodies of all requests.
    """

    def __init__(self, answer: Callable[[bytes], Any], described: Mapping[str, Any] | None = None) -> None:
        self.answer = answer
        self.described = described or {}
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.requests.append((self.path, dict(self.headers), body))
                try:
                    given = outer.answer(body)
                except ValueError as error:  # as MLServer tells it
                    given = 500, {}, json.dumps({"error": f"builtins.ValueError: {error}"}).encode()
                status, headers, content = given if isinstance(given, tuple) else (200, {}, json.dumps(given).encode())
                if status == 0:  # the connection is cut
                    self.close_connection = True
                    self.wfile.write(content)
                    return
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                if "Content-Length" not in headers:
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def version_string(self) -> str:
                return "uvicorn"

            def do_GET(self) -> None:
                found = outer.described.get(self.path)
                content = json.dumps(found).encode()
                self.send_response(404 if found is None else 200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except OSError:  # the client has left
                    self.close_connection = True

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/invocations"

    def close(self) -> None:
        """Stop it."""
        self._server.shutdown()
        self._server.server_close()


def as_json(labels: Any) -> list[Any]:
    return list(np.asarray(labels).tolist())


def v2(model: Any, body: bytes) -> Any:
    """MLServer: labels by default, shape [n, 1]; probabilities by the name of the output."""
    given = json.loads(body)
    first = given["inputs"][0]
    X = np.array(first["data"], dtype=float).reshape(first["shape"])
    outputs = []
    for name in [output["name"] for output in given.get("outputs", [{"name": "predict"}])]:
        found = getattr(model, name)(X)
        datatype = {"f": "FP64", "i": "INT64", "U": "BYTES"}[found.dtype.kind]
        shape = list(found.shape) if found.ndim == 2 else [len(found), 1]
        outputs.append({"name": name, "shape": shape, "datatype": datatype, "data": as_json(found.ravel())})
    return {"model_name": "lr", "id": "8b5e", "parameters": {}, "outputs": outputs}


def kserve(model: Any, body: bytes) -> Any:
    """KServe's SDK: labels, shape [n]."""
    reply = v2(model, body)
    reply["outputs"][0] |= {"name": "output-0", "shape": reply["outputs"][0]["shape"][:1]}
    return reply


def v2_columns(model: Any, body: bytes) -> Any:
    """MLServer with the content type pd: one tensor a column."""
    import pandas as pd

    given = json.loads(body)
    assert given["parameters"]["content_type"] == "pd"
    frame = pd.DataFrame({part["name"]: part["data"] for part in given["inputs"]})
    found = model.predict(frame)
    return {"outputs": [{"name": "predict", "shape": [len(found), 1], "datatype": "BYTES", "data": as_json(found)}]}


def mlflow(model: Any, body: bytes) -> Any:
    return {"predictions": as_json(model.predict(np.array(json.loads(body)["inputs"], dtype=float)))}


def mlflow_proba(model: Any, body: bytes) -> Any:
    return {"predictions": as_json(model.predict_proba(np.array(json.loads(body)["inputs"], dtype=float)))}


def mlflow_split(model: Any, body: bytes) -> Any:
    given = json.loads(body)["dataframe_split"]
    return {"predictions": as_json(model.predict(np.array(given["data"], dtype=float)))}


def instances(model: Any, body: bytes) -> Any:
    return {"predictions": as_json(model.predict(np.array(json.loads(body)["instances"], dtype=float)))}


def azure(model: Any, body: bytes) -> Any:
    given = json.loads(body)["input_data"]
    assert given["index"] == list(range(len(given["data"])))
    return as_json(model.predict(np.array(given["data"], dtype=float)))


def bentoml(model: Any, body: bytes) -> Any:
    rows = json.loads(body)["x"]
    assert all(isinstance(value, float) for row in rows for value in row), "an array of whole numbers is int64"
    return as_json(model.predict(np.array(rows)))


def sagemaker(model: Any, body: bytes) -> Any:
    rows, buffer = np.load(io.BytesIO(body)), io.BytesIO()
    np.save(buffer, model.predict_proba(rows))
    return 200, {"Content-Type": "application/x-npy"}, buffer.getvalue()


def sagemaker_csv(model: Any, body: bytes) -> Any:
    lines = body.decode().splitlines()
    assert len(lines) > 1, "one row decodes to shape (3,)"
    assert all("." in value for line in lines for value in line.split(","))
    rows = np.array([line.split(",") for line in lines], dtype=float)
    return 200, {"Content-Type": "text/csv"}, "\n".join(map(str, as_json(model.predict(rows)))).encode()
