#!/usr/bin/env bash
# A column that MLflow's signature calls "long" is guarded in Python: a data frame with 3.0 in it is refused. The same model
# behind MLflow's scoring server takes any number and cuts it.
#
# Expected: one signature, one rule; 3.5 for a whole number is an error.
# Seen:     mlflow-skinny 3.17.2, scoring server asked over its own application (no socket): status 200, and the model is given
#             3.5 -> 3, 3.999999 -> 3, -3.5 -> -3, true -> 1, 1e19 -> -9223372036854775808
#           From Python 3.0 and 3.5 raise MlflowException.
# On:       pandas 2.3.3, numpy 2.4.6, CPython 3.11.7, Linux x86_64. The same on every run.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile mlflow-skinny==3.17.2 fastapi==0.115.14 uvicorn==0.54.0 httpx==0.28.1 \
    pandas==2.3.3 numpy==2.4.6 scipy==1.17.1
cd "$work"
MLFLOW_TRACKING_URI="file://$work/runs" MLFLOW_DISABLE_TELEMETRY=true "$work/venv/bin/python" -W ignore - <<'PY'
import mlflow
import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature
from mlflow.pyfunc import scoring_server
from starlette.testclient import TestClient


class Echo(mlflow.pyfunc.PythonModel):
    """A model that answers what it was given."""

    def predict(self, context, model_input, params=None):
        return [int(value) for value in model_input["n"]]


signature = infer_signature(pd.DataFrame({"n": np.array([1, 2, 3])}))
mlflow.pyfunc.save_model("model", python_model=Echo(), signature=signature, pip_requirements=[])
model = mlflow.pyfunc.load_model("model")
print("signature:", signature.inputs)
for value in (3.0, 3.5):
    try:
        model.predict(pd.DataFrame({"n": [value]}))
        raise SystemExit(f"{value} is taken from Python now")
    except MlflowException as error:
        print(f"from Python {value}: {type(error).__name__}: {str(error).rsplit('Error: ', 1)[-1]}")

client = TestClient(scoring_server.init(model))
seen = {}
for number in ("3", "3.5", "3.999999", "-3.5", "true", "1e19"):
    body = '{"dataframe_records": [{"n": %s}]}' % number
    reply = client.post("/invocations", content=body, headers={"Content-Type": "application/json"})
    seen[number] = reply.status_code, reply.json().get("predictions")
    print(f"over REST {number}: {seen[number]}")
assert seen == {
    "3": (200, [3]),
    "3.5": (200, [3]),
    "3.999999": (200, [3]),
    "-3.5": (200, [-3]),
    "true": (200, [1]),
    "1e19": (200, [-(2**63)]),
}
PY
