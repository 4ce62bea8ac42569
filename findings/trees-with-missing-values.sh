#!/usr/bin/env bash
# A scikit-learn forest that was trained on rows with missing values learns at every split to which side a missing
# value goes. Two of three exporters drop that and say nothing.
#
# Expected: an exported forest answers as the original, or the export is refused.
# Seen:     skl2onnx 1.20.0 with onnxruntime 1.32.0: 28.6 % of the labels differ, probabilities by up to 0.90.
#           ydf 0.16.1, ydf.from_sklearn:             4.2 % of the labels differ, probabilities by up to 0.60.
#           treelite 4.8.1:                           none differ.
#           On rows without a missing value all labels agree (ydf's probabilities up to 0.10 off: ydf-at-thresholds.sh). No
#           exporter warns.
# On:       scikit-learn 1.9.1, numpy 2.4.6, CPython 3.11.7, Linux x86_64. The same on every run.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile scikit-learn==1.9.1 numpy==2.4.6 skl2onnx==1.20.0 onnx==1.23.2 \
    onnxruntime==1.32.0 ydf==0.16.1 pandas==2.3.3 treelite==4.8.1
cd "$work"
"$work/venv/bin/python" - <<'PY'
import warnings

import numpy as np
import onnxruntime
import treelite
import ydf
from skl2onnx import to_onnx
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier

whole, y = load_breast_cancer(return_X_y=True)
whole = whole.astype(np.float32)  # so that no difference comes from rounding
holed = whole.copy()
holed[np.random.default_rng(0).random(whole.shape) < 0.2] = np.nan
forest = RandomForestClassifier(10, random_state=0).fit(holed, y)

with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    session = onnxruntime.InferenceSession(
        to_onnx(forest, whole[:1], options={"zipmap": False}).SerializeToString()
    )
    in_ydf = ydf.from_sklearn(forest)
    in_treelite = treelite.sklearn.import_model(forest)

exported = {
    "skl2onnx": lambda X: session.run(None, {"X": X})[1][:, 1],
    "ydf": lambda X: np.asarray(in_ydf.predict({"features": X})),
    "treelite": lambda X: treelite.gtil.predict(in_treelite, X).reshape(len(X), 2)[:, 1],
}
labels = {}
for name, probability in exported.items():
    for kind, X in (("no missing value", whole), ("missing values", holed)):
        p, right = probability(X), forest.predict_proba(X)[:, 1]
        labels[name, kind] = float(((p > 0.5) != (right > 0.5)).mean())
        print(f"{name:9} {kind:17} labels that differ {labels[name, kind]:.3f}, largest difference {abs(p - right).max():.2f}")
about_missing = [str(w.message) for w in said if "missing" in str(w.message).lower() or "nan" in str(w.message).lower()]
print("warnings about missing values at export:", about_missing)

for name in exported:
    assert labels[name, "no missing value"] == 0, f"{name} differs where nothing is missing"
assert labels["skl2onnx", "missing values"] > 0.2, "skl2onnx changed"
assert labels["ydf", "missing values"] > 0.02, "ydf changed"
assert labels["treelite", "missing values"] == 0, "treelite changed"
assert not about_missing, "an exporter warns now"
PY
