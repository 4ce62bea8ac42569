#!/usr/bin/env bash
# Four parameters of LightGBM change what the trees of a model mean. The model file says so; the ONNX file made of it does not.
#
# Expected: an export that answers alike, or an error (treelite refuses linear trees, for one).
# Seen:     onnxmltools 1.16.0 with onnxruntime 1.32.0, largest difference from LightGBM 4.7.0, and the spread of the answers:
#             plain                  2e-05 of 114     agrees
#             linear_tree=True          31 of 140     the linear parts are gone, leaves are constants
#             boosting="rf"           2219 of 155     the trees are added up, LightGBM averages them
#             reg_sqrt=True            203 of 114     the square is gone
#             zero_as_missing=True    0.45 of 0.667   (a probability) zeros are no longer missing
#           treelite 4.8.1 makes the last mistake too, and refuses or does the others right. No warning.
# On:       scikit-learn 1.9.1 (for data), numpy 2.4.6, CPython 3.11.7, Linux x86_64. The same on every run.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile lightgbm==4.7.0 onnxmltools==1.16.0 skl2onnx==1.20.0 onnx==1.23.2 \
    onnxruntime==1.32.0 treelite==4.8.1 scikit-learn==1.9.1 numpy==2.4.6 pandas==2.3.3
cd "$work"
"$work/venv/bin/python" - <<'PY'
import lightgbm
import numpy as np
import onnxruntime
import treelite
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType
from sklearn.datasets import load_breast_cancer, load_diabetes

onnxruntime.set_default_logger_severity(3)


def compare(name, X, y, objective, **mode):
    X = X.astype(np.float32)  # so that no difference comes from rounding
    settings = {"objective": objective, "num_leaves": 5, "verbose": -1, "num_threads": 1, "seed": 1, **mode}
    model = lightgbm.train(settings, lightgbm.Dataset(X.astype(float), y), 10)
    right = model.predict(X)
    file = convert_lightgbm(model, initial_types=[("x", FloatTensorType([None, X.shape[1]]))], target_opset=15, zipmap=False)
    answers = onnxruntime.InferenceSession(file.SerializeToString()).run(None, {"x": X})
    value = answers[1][:, 1] if objective == "binary" else answers[0].ravel()
    try:
        forest = treelite.frontend.from_lightgbm(model)
        other = f"{abs(treelite.gtil.predict(forest, X).ravel() - right).max():.2g}"
    except treelite.TreeliteError:
        other = "refused"
    onnx = float(abs(value - right).max())
    print(f"{name:21} onnxmltools {onnx:9.4g} of {np.ptp(right):.3g}; treelite {other}")
    return onnx, other


X, y = load_diabetes(return_X_y=True)
assert compare("plain", X, y, "regression")[0] < 1e-3
assert compare("linear_tree=True", X, y, "regression", linear_tree=True)[0] > 10
assert compare('boosting="rf"', X, y, "regression", boosting="rf", bagging_freq=1, bagging_fraction=0.5)[0] > 1000
assert compare("reg_sqrt=True", X, y, "regression", reg_sqrt=True)[0] > 100

X, y = load_breast_cancer(return_X_y=True)
X[np.random.default_rng(0).random(X.shape) < 0.2] = 0
onnx, other = compare("zero_as_missing=True", X, y, "binary", zero_as_missing=True, num_leaves=31)
assert onnx > 0.3 and other != "refused" and float(other) > 0.3
PY
