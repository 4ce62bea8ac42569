#!/usr/bin/env bash
# MLServer's codec for data frames ("content_type": "pd") takes one tensor a column. Nothing checks that they are equally long, and
# what JSON calls null is a missing value, although the word NaN is refused.
#
# Expected: columns of 3, 1, 3 and 1 values are an error; so is a null in a tensor of FP64.
# Seen:     mlserver 1.7.1 with mlserver-sklearn 1.7.1, scikit-learn 1.9.1: status 200 and three answers, those to rows that nobody
#             sent: the shorter columns are filled up with NaN at their ends. A forest that was fitted on complete rows answers a
#             row of nulls alone. NaN written in the same place is refused, 422.
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
import time

import joblib
from sklearn.datasets import load_iris
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier


def free():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


X, y = load_iris(return_X_y=True, as_frame=True)
X.columns = list("abcd")
models = {
    "boosted": HistGradientBoostingClassifier(max_iter=20, random_state=0).fit(X, y),
    "forest": RandomForestClassifier(10, random_state=0).fit(X.to_numpy(), y),
}
for name, model in models.items():
    pathlib.Path(name).mkdir()
    joblib.dump(model, f"{name}/model.joblib")
    runtime = {"name": name, "implementation": "mlserver_sklearn.SKLearnModel", "parameters": {"uri": "./model.joblib"}}
    pathlib.Path(name, "model-settings.json").write_text(json.dumps(runtime))
ports = {"http_port": free(), "grpc_port": free(), "metrics_port": free()}
pathlib.Path("settings.json").write_text(json.dumps({"host": "127.0.0.1", **ports}))
with open("log", "w") as log:
    server = subprocess.Popen(["mlserver", "start", "."], stdout=log, stderr=log, start_new_session=True)


def ask(path, body):
    connection = http.client.HTTPConnection("127.0.0.1", ports["http_port"], timeout=30)
    connection.request("POST" if body else "GET", path, body, {"Content-Type": "application/json"})
    reply = connection.getresponse()
    return reply.status, reply.read()


try:
    for _ in range(600):
        time.sleep(0.2)
        try:
            if ask("/v2/health/ready", None)[0] == 200:
                break
        except OSError:
            pass
    rows = X.iloc[[60, 101, 110]]
    columns = [
        {"name": name, "shape": [k, 1], "datatype": "FP64", "data": rows[name].tolist()[:k]}
        for name, k in zip("abcd", (3, 1, 3, 1))
    ]
    status, body = ask("/v2/models/boosted/infer", json.dumps({"parameters": {"content_type": "pd"}, "inputs": columns}))
    answers = json.loads(body)["outputs"][0]["data"]
    padded = rows.copy()
    padded.iloc[1:, [1, 3]] = float("nan")
    print(f"columns of 3, 1, 3 and 1 values: {status}, answers {answers}")
    print("the model itself, of the rows with NaN:", models["boosted"].predict(padded).tolist())
    print("and of the rows that the values were taken from:", models["boosted"].predict(rows).tolist())
    assert (status, answers) == (200, models["boosted"].predict(padded).tolist())
    assert answers != models["boosted"].predict(rows).tolist()

    seen = {}
    for what in ("null", "NaN"):
        tensor = '{"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP64", "data": [%s]}]}' % ", ".join([what] * 4)
        status, body = ask("/v2/models/forest/infer", tensor)
        seen[what] = status
        print(f"four times {what}: {status}, {json.loads(body).get('outputs', [{}])[0].get('data', body[:90])}")
    assert seen == {"null": 200, "NaN": 422}
finally:
    os.killpg(server.pid, signal.SIGKILL)
PY
