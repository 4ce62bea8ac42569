"""Models behind BentoML, KServe, and what Vertex, Azure and SageMaker run: the answers are their own."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import joblib
import numpy as np
from live_parts.running import Serving, environment, free_port
from live_parts.servers import CANCER, LOGIT, Own, fitted, numbers

import mex
from mex.toolkit.ledger.asking import Session
from mex.toolkit.ledger.store import Ledger
from mex.toolkit.ledger.target import recorded
from mex.types import Answer
from mex_endpoint.model import Endpoint

HERE_ONLY = """
import socket

def bind(self, address, bind=socket.socket.bind):
    bind(self, ("127.0.0.1", *address[1:]) if address and address[0] in ("", "0.0.0.0") else address)

socket.socket.bind = bind
"""
"""Imported first by each of these servers: some listen at every address of the machine and cannot be told not to."""


@attrs.frozen
class Kind:
    """A kind of server.

    Attributes:
        module: the file ``served.py``, which answers by the method of a model that $METHOD names.
        command: that starts it, of a program of its environment; ``PORT`` stands for the port.
        ready: a path that answers 200 when it is.
        paths: where the model is asked, by the preset.
        environ: environment variables.
    """

    module: str
    command: str
    ready: str
    paths: dict[str, str]
    environ: dict[str, str] = attrs.field(factory=dict)


KINDS = {
    "bentoml": Kind(
        """
import os, bentoml, joblib, numpy

@bentoml.service
class Served:
    def __init__(self):
        self.answers = getattr(joblib.load("model/model.joblib"), os.environ["METHOD"])

    @bentoml.api
    def predict(self, x: numpy.ndarray) -> numpy.ndarray:
        return self.answers(x)
""",
        "bentoml serve served:Served --host 127.0.0.1 --port PORT",
        "/readyz",
        {"bentoml": "/predict"},
        {"BENTOML_DO_NOT_TRACK": "True", "BENTOML_HOME": "home"},
    ),
    "kserve": Kind(
        """
import os, sys, joblib, kserve
from kserve.utils.utils import get_predict_input, get_predict_response

class Served(kserve.Model):
    def load(self):
        self.answers = getattr(joblib.load("model/model.joblib"), os.environ["METHOD"])
        self.ready = True

    def predict(self, payload, headers=None, response_headers=None):
        return get_predict_response(payload, self.answers(get_predict_input(payload)), self.name)

if __name__ == "__main__":
    served = Served("served")
    served.load()
    kserve.ModelServer(http_port=int(sys.argv[1]), enable_grpc=False).start([served])
""",
        "python served.py PORT",
        "/v2/health/ready",
        {"instances": "/v1/models/served:predict", "v2": "/v2/models/served/infer"},
    ),
    "vertex": Kind(
        """
import os
from google.cloud.aiplatform.prediction.sklearn.predictor import SklearnPredictor

class Served(SklearnPredictor):
    def predict(self, instances):
        return getattr(self._model, os.environ["METHOD"])(instances)
""",
        "python -m google.cloud.aiplatform.prediction.model_server",
        "/health",
        {"instances": "/predict"},
        {
            "AIP_HTTP_PORT": "PORT",
            "AIP_HEALTH_ROUTE": "/health",
            "AIP_PREDICT_ROUTE": "/predict",
            "AIP_STORAGE_URI": "model",
            "HANDLER_MODULE": "google.cloud.aiplatform.prediction.handler",
            "HANDLER_CLASS": "PredictionHandler",
            "PREDICTOR_MODULE": "served",
            "PREDICTOR_CLASS": "Served",
            "VERTEX_CPR_WEB_CONCURRENCY": "1",
        },
    ),
    "azure": Kind(
        """
import json, os, joblib, numpy

def init():
    global answers
    answers = getattr(joblib.load("model/model.joblib"), os.environ["METHOD"])

def run(body):
    return answers(numpy.array(json.loads(body)["input_data"]["data"])).tolist()
""",
        "azmlinfsrv --entry_script served.py --port PORT",
        "/",
        {"azure": "/score"},
    ),
    "sagemaker": Kind(
        """
import http.server, os, sys, joblib
from sagemaker_inference import content_types, decoder, encoder

answers = getattr(joblib.load("model/model.joblib"), os.environ["METHOD"])

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.reply(b"", "text/plain")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        given, taken = self.headers["Content-Type"], self.headers["Accept"]
        rows = decoder.decode(body.decode() if given in content_types.UTF8_TYPES else body, given)
        found = encoder.encode(answers(rows), taken)
        self.reply(found if isinstance(found, bytes) else found.encode(), taken)

    def reply(self, content, content_type):
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
""",
        "python served.py PORT",
        "/ping",
        {"sagemaker": "/invocations", "sagemaker-csv": "/invocations"},
    ),
}
"""By name. Of SageMaker's toolkit decoder and encoder alone: its server is a program in Java."""


@contextlib.contextmanager
def served(name: str, model: Any, method: str) -> Iterator[str]:
    """A server with one model that answers by one of its methods; yields its address."""
    kind, home, port = KINDS[name], environment(name), free_port()
    environ = {key: value.replace("PORT", str(port)) for key, value in kind.environ.items()}
    program, *arguments = kind.command.replace("PORT", str(port)).split()
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        (folder / "model").mkdir()
        joblib.dump(model, folder / "model" / "model.joblib")
        (folder / "served.py").write_text(kind.module)
        (folder / "sitecustomize.py").write_text(HERE_ONLY)
        command = [str(home / program), *arguments]
        server = Serving(command, folder, port, kind.ready, METHOD=method, PYTHONPATH=directory, **environ)
        try:
            yield server.url
        finally:
            server.stop()


def compare(target: mex.FittedTarget, model: Any, kind: Answer) -> str:
    """How far the answers to 200 rows are from the model's own."""
    X = target.domain.sample(200, np.random.default_rng(0))
    own = attrs.evolve(target, estimator=Own(model, False))
    theirs, ours = target.answer(X, kind), own.answer(X, kind)
    if kind == "label":
        return f"{np.count_nonzero(theirs != ours)} of {len(X)} labels differ"
    return f"probabilities at most {np.abs(theirs - ours).max():.1g} apart"


def queries(target: mex.FittedTarget) -> int:
    """How many ``pivot`` takes."""
    asked = recorded(target, Session(Ledger(None), "attack"))
    return mex.attack("pivot", asked, budget=1000, answers="label", pool=CANCER, held_out=None).queries


def others(times: int) -> None:
    """labels and probabilities of 200 rows by five more servers beside the model's own, and the queries of `pivot`"""
    models = fitted()
    for name, kind in KINDS.items():
        for which in ("logistic", "tree"):
            said: dict[str, list[str]] = {preset: [] for preset in kind.paths}
            for method, answer in (("predict", "label"), ("predict_proba", "proba")):
                with served(name, models[which], method) as url:
                    for preset, path in kind.paths.items():
                        there = Endpoint(url=url + path, preset=preset, classes=[0, 1], family=LOGIT)
                        target = there.open(numbers(CANCER))
                        assert target.answers == (answer,), target.answers
                        said[preset].append(compare(target, models[which], answer))
                        if which == "logistic" and answer == "label":
                            own = attrs.evolve(target, estimator=Own(models[which], False))
                            said[preset].append(f"pivot {queries(target)} queries, in process {queries(own)}")
            for preset, found in said.items():
                print(f"{name:9s} {preset:13s} {which:8s} {'; '.join(found)}", flush=True)
