#!/usr/bin/env bash
# Isotonic calibration interpolates between its knots, so probabilities change with every step of the input. In the ONNX
# file they jump from knot to knot.
#
# Expected: CalibratedClassifierCV(method="isotonic") answers the same from its ONNX file, up to float32.
# Seen:     skl2onnx 1.20.0 with onnxruntime 1.32.0: on 2001 rows of a straight line between two rows, scikit-learn gives 116
#           different probabilities and the ONNX file 5; they differ by up to 0.21. With method="sigmoid" they agree to 1.1e-07.
#           No warning.
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
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

X, y = load_breast_cancer(return_X_y=True)
train, test, y_train, _ = train_test_split(X, y, random_state=0)
scaler = StandardScaler().fit(train)
train, test = (scaler.transform(rows).astype(np.float32) for rows in (train, test))
u = np.linspace(0, 1, 2001)[:, None]
line = (test[0] * (1 - u) + test[1] * u).astype(np.float32)

seen = {}
for method in ("sigmoid", "isotonic"):
    model = CalibratedClassifierCV(LogisticRegression(), method=method, ensemble=False).fit(train, y_train)
    file = to_onnx(model, train[:1], options={"zipmap": False}).SerializeToString()
    p = onnxruntime.InferenceSession(file).run(None, {"X": line})[1][:, 1]
    right = model.predict_proba(line)[:, 1]
    here, there, apart = seen[method] = len(np.unique(right)), len(np.unique(p)), float(abs(p - right).max())
    print(f"{method:8} different probabilities: scikit-learn {here}, ONNX {there}; apart by up to {apart:.1e}")

assert seen["sigmoid"][2] < 1e-5
here, there, apart = seen["isotonic"]
assert here > 50 and there < 10, "the export interpolates now"
assert apart > 0.1
PY
