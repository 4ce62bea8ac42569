#!/usr/bin/env bash
# With max_batch_size, MLServer puts requests of several clients together, asks the model once, and cuts the answer up. Of a
# tensor the first request gives the datatype, for all the others; of the outputs that are asked for, everybody gets all.
#
# Expected: a row is answered alike whoever else asks at that moment, and a client gets the outputs that it asked for.
# Seen:     mlserver 1.7.1 with mlserver-sklearn 1.7.1, scikit-learn 1.9.1, max_batch_size 2, a random forest on iris.
#           A request of type FP64 that arrives after one of type INT64 is answered as if its numbers had been cut to whole ones:
#           10 % of the labels change; answers are those to the cut rows in all cases. The other way round nothing changes.
#           A client that names no output, which means labels, is given probabilities alone if the other request asks for
#           probabilities, before it or after it. If one names "predict" and one "predict_proba", both get both.
#           No error, no warning, status 200.
# On:       pandas 3.1.1, numpy 2.4.6, CPython 3.11.7, Linux x86_64. The same on every run.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile mlserver==1.7.1 mlserver-sklearn==1.7.1 "uvloop<0.22" scikit-learn==1.9.1 \
    pandas==3.1.1 numpy==2.4.6
cd "$work"
PATH="$work/venv/bin:$PATH" python -W ignore - <<'PY'
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time

import joblib
import numpy as np
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier


def free():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


X, y = load_iris(return_X_y=True)
forest = RandomForestClassifier(10, random_state=0).fit(X, y)
pathlib.Path("forest").mkdir()
joblib.dump(forest, "forest/model.joblib")
runtime = {
    "name": "forest",
    "implementation": "mlserver_sklearn.SKLearnModel",
    "parameters": {"uri": "./model.joblib"},
    "max_batch_size": 2,
    "max_batch_time": 2.0,
}
pathlib.Path("forest", "model-settings.json").write_text(json.dumps(runtime))
ports = {"http_port": free(), "grpc_port": free(), "metrics_port": free()}
pathlib.Path("settings.json").write_text(json.dumps({"host": "127.0.0.1", "parallel_workers": 0, **ports}))
with open("log", "w") as log:
    server = subprocess.Popen(["mlserver", "start", "."], stdout=log, stderr=log, start_new_session=True)


def ask(path, body):
    connection = http.client.HTTPConnection("127.0.0.1", ports["http_port"], timeout=30)
    connection.request("POST" if body else "GET", path, body, {"Content-Type": "application/json"})
    reply = connection.getresponse()
    return reply.status, reply.read()


def infer(rows, datatype, *outputs):
    """The outputs of a reply, by name."""
    tensor = {"name": "x", "shape": list(rows.shape), "datatype": datatype, "data": rows.ravel().tolist()}
    named = {"outputs": [{"name": name} for name in outputs]} if outputs else {}
    status, body = ask("/v2/models/forest/infer", json.dumps({"inputs": [tensor], **named}))
    assert status == 200
    return {output["name"]: np.reshape(output["data"], output["shape"]) for output in json.loads(body)["outputs"]}


def one_after_another(first, second):
    """What two clients get whose requests arrive a fifth of a second apart."""
    got = {}
    thread = threading.Thread(target=lambda: got.update(first=infer(*first)))
    thread.start()
    time.sleep(0.2)
    got["second"] = infer(*second)
    thread.join()
    return got["first"], got["second"]


try:
    for _ in range(600):
        time.sleep(0.2)
        try:
            if ask("/v2/health/ready", None)[0] == 200:
                break
        except OSError:
            pass
    rows, others = X[50:], X[[0, 60]].round().astype(int)
    alone = infer(rows, "FP64")
    assert (alone["predict"].ravel() == forest.predict(rows)).all()
    _, after = one_after_another((others, "INT64"), (rows, "FP64"))
    before, _ = one_after_another((rows, "FP64"), (others, "INT64"))
    changed = (after["predict"] != alone["predict"]).mean()
    print(f"labels that are not those given alone: after a client of whole numbers {changed:.3f},", end=" ")
    print(f"before it {(before['predict'] != alone['predict']).mean():.3f}")
    assert changed == 0.1 and (before["predict"] == alone["predict"]).all()
    assert (after["predict"].ravel() == forest.predict(np.trunc(rows))).all()

    plain, named = (rows, "FP64"), (others, "FP64", "predict_proba")
    for pair in ((plain, named), (named, plain), ((rows, "FP64", "predict"), named)):
        replies = one_after_another(*pair)
        for (_, _, *asked), reply in zip(pair, replies):
            print("asked for", asked or "the usual", "and got", {name: values.shape for name, values in reply.items()})
        assert replies[0].keys() == replies[1].keys()
        assert set(replies[0]) == {"predict_proba"} | {name for request in pair for name in request[2:]}
finally:
    os.killpg(server.pid, signal.SIGKILL)
PY
