#!/usr/bin/env bash
# The ONNX file of a LinearSVC has an output named "probabilities". It holds margins.
#
# Expected: LinearSVC has no predict_proba, so its file has labels alone, or an output of another name.
# Seen:     skl2onnx 1.20.0, onnxruntime 1.32.0. The output "probabilities" has shape (n, 1) and holds decision_function: from -29.8
#           to 8.8 on breast-cancer, 93 % of it outside of 0 to 1. Taken for the probability of the second class, it moves the
#           boundary from 0 to 0.5: 2.1 % of the labels change.
# On:       scikit-learn 1.9.1, numpy 2.4.6, CPython 3.11.7, Linux x86_64. The same on every run.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile skl2onnx==1.20.0 onnx==1.23.2 onnxruntime==1.32.0 scikit-learn==1.9.1 \
    numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import numpy as np
import onnxruntime
from skl2onnx import to_onnx
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

X, y = load_breast_cancer(return_X_y=True)
X = StandardScaler().fit_transform(X).astype(np.float32)
model = LinearSVC(random_state=0).fit(X, y)
assert not hasattr(model, "predict_proba")
session = onnxruntime.InferenceSession(to_onnx(model, X[:1]).SerializeToString(), providers=["CPUExecutionProvider"])
names = [output.name for output in session.get_outputs()]
labels, given = session.run(None, {"X": X})
outside = float(((given < 0) | (given > 1)).mean())
moved = float(((given[:, 0] > 0.5) != (labels == 1)).mean())
print(f"outputs {names}; {names[1]}: shape {given.shape}, from {given.min():.1f} to {given.max():.1f}")
print(f"outside of 0 to 1: {outside:.3f}; from the margins {abs(given[:, 0] - model.decision_function(X)).max():.0e}")
print(f"labels that change if they are cut at 0.5: {moved:.3f}")
assert names[1] == "probabilities" and given.shape == (len(X), 1)
assert outside > 0.9 and abs(given[:, 0] - model.decision_function(X)).max() < 1e-4
assert (labels == model.predict(X)).all() and moved > 0.01
PY
