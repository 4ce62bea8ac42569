#!/usr/bin/env bash
# KNeighborsClassifier(weights="distance") answers a training row with that row's own label and probability 1: only
# neighbours at distance 0 count. Its ONNX file counts all neighbours alike: it is the model with weights="uniform".
#
# Expected: the ONNX file answers as scikit-learn, up to float32.
# Seen:     skl2onnx 1.20.0 with onnxruntime 1.32.0: the file equals KNeighborsClassifier(weights="uniform") to 2.4e-08
#           and is up to 0.80 away from the model that was exported. Training rows with another label than scikit-learn's:
#           5.6 % (breast-cancer). Training rows with probability 1 for their own label: 100 % in scikit-learn, 82.5 % in
#           ONNX. KNeighborsRegressor the same. No warning.
# On:       scikit-learn 1.9.1, numpy 2.4.6, CPython 3.11.7, Linux x86_64. The same on every run.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile scikit-learn==1.9.1 numpy==2.4.6 skl2onnx==1.20.0 onnx==1.23.2 onnxruntime==1.32.0
cd "$work"
"$work/venv/bin/python" - <<'PY'
import numpy as np
import onnxruntime
from skl2onnx import to_onnx
from sklearn.datasets import load_breast_cancer
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

X, y = load_breast_cancer(return_X_y=True)
X = X.astype(np.float32)
train, test, y_train = X[::2], X[1::2], y[::2]


def run(model, rows, **options):
    return onnxruntime.InferenceSession(to_onnx(model, train[:1], **options).SerializeToString()).run(None, {"X": rows})


# algorithm="kd_tree": distances of a row to itself are exactly 0.
def fitted(weights):
    return KNeighborsClassifier(5, weights=weights, algorithm="kd_tree").fit(train, y_train)


by_distance, uniform = fitted("distance"), fitted("uniform")
for name, rows in (("training rows", train), ("other rows", test)):
    label, p = run(by_distance, rows, options={"zipmap": False})
    away = abs(p - by_distance.predict_proba(rows)).max()
    from_uniform = abs(p - uniform.predict_proba(rows)).max()
    wrong = float((label != by_distance.predict(rows)).mean())
    print(f"{name:13} from 'distance' {away:.2f}, from 'uniform' {from_uniform:.1e}, other labels {wrong:.3f}")
    assert away > 0.2, "the export follows the distances now"
    assert from_uniform < 1e-6, "the export is no longer the uniform vote"
    if name == "training rows":
        assert wrong > 0.02
        sure = [float((q[np.arange(len(rows)), y_train] == 1).mean()) for q in (by_distance.predict_proba(rows), p)]
        print(f"training rows with probability 1 for their own label: scikit-learn {sure[0]:.3f}, ONNX {sure[1]:.3f}")
        assert sure[0] == 1 and sure[1] < 0.95

target = y_train.astype(np.float32)
weighted = KNeighborsRegressor(5, weights="distance", algorithm="kd_tree").fit(train, target)
plain = KNeighborsRegressor(5, algorithm="kd_tree").fit(train, target)
values = run(weighted, test)[0].ravel()
away, from_uniform = (float(abs(values - model.predict(test)).max()) for model in (weighted, plain))
print(f"regressor     from 'distance' {away:.2f}, from 'uniform' {from_uniform:.1e}")
assert away > 0.2
assert from_uniform < 1e-6
PY
