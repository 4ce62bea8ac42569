#!/usr/bin/env bash
# An XGBoost file is read by XGBClassifier, by Booster and by treelite. All three load it without complaint; after early
# stopping, or with a marker for missing values, it is not the same model.
#
# Expected: one file, one model.
# Seen:     xgboost-cpu 3.2.0, treelite 4.8.1, onnxmltools 1.16.0.
#           Early stopping (best iteration 37, 68 trees in the file): XGBClassifier answers with the first 38 trees, as does
#           its ONNX file; Booster and treelite with all 68. Probabilities differ by up to 0.17, 2.1 % of the labels.
#           missing=0: the file forgets it. XGBClassifier().load_model gives missing=nan, and 9.8 % of the labels of the same
#           rows change. onnxmltools refuses such a model, treelite does not.
# On:       scikit-learn 1.9.1, numpy 2.4.6, CPython 3.11.7, Linux x86_64. The same on every run.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile xgboost-cpu==3.2.0 treelite==4.8.1 onnxmltools==1.16.0 skl2onnx==1.20.0 \
    onnx==1.23.2 onnxruntime==1.32.0 scikit-learn==1.9.1 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" - <<'PY'
import numpy as np
import onnxruntime
import treelite
import xgboost
from onnxmltools import convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

X, y = load_breast_cancer(return_X_y=True)
X = X.astype(np.float32)
train, test, y_train, y_test = train_test_split(X, y, random_state=0)
flipped = np.where(np.random.default_rng(0).random(len(y_train)) < 0.2, 1 - y_train, y_train)
model = xgboost.XGBClassifier(n_estimators=300, early_stopping_rounds=30, learning_rate=0.5, n_jobs=1)
model.fit(train, flipped, eval_set=[(test, y_test)], verbose=False)
model.save_model("stopped.json")

again = xgboost.XGBClassifier()
again.load_model("stopped.json")
booster = xgboost.Booster(model_file="stopped.json")
onnx = convert_xgboost(again, initial_types=[("x", FloatTensorType([None, 30]))], target_opset=15)
right = model.predict_proba(test)[:, 1]
readers = {
    "XGBClassifier": again.predict_proba(test)[:, 1],
    "onnxmltools": onnxruntime.InferenceSession(onnx.SerializeToString()).run(None, {"x": test})[1][:, 1],
    "Booster": booster.predict(xgboost.DMatrix(test)),
    "treelite": treelite.gtil.predict(treelite.frontend.load_xgboost_model("stopped.json"), test).ravel(),
}
print(f"best iteration {model.best_iteration}, rounds in the file {booster.num_boosted_rounds()}")
for name, p in readers.items():
    other = float(((p > 0.5) != (right > 0.5)).mean())
    print(f"{name:13} from the model that was saved {abs(p - right).max():.1e}, other labels {other:.3f}")
assert booster.num_boosted_rounds() == model.best_iteration + 31
for name in ("XGBClassifier", "onnxmltools"):
    assert abs(readers[name] - right).max() < 1e-5, name
for name in ("Booster", "treelite"):
    assert abs(readers[name] - right).max() > 0.05, name
assert abs(readers["Booster"] - readers["treelite"]).max() < 1e-5

holed = np.where(np.random.default_rng(0).random(X.shape) < 0.2, 0, X)
model = xgboost.XGBClassifier(n_estimators=10, missing=0, n_jobs=1).fit(holed, y)
model.save_model("missing.json")
again = xgboost.XGBClassifier()
again.load_model("missing.json")
changed = float((again.predict(holed) != model.predict(holed)).mean())
print(f"saved with missing={model.missing}, loaded with missing={again.missing}, labels that change: {changed:.3f}")
assert np.isnan(again.missing) and changed > 0.02
forest = treelite.frontend.load_xgboost_model("missing.json")
off = float(abs(treelite.gtil.predict(forest, holed).ravel() - model.predict_proba(holed)[:, 1]).max())
print(f"treelite of it: {off:.2f} away")
assert off > 0.3
try:
    convert_xgboost(model, initial_types=[("x", FloatTensorType([None, 30]))])
    raise SystemExit("onnxmltools takes it now")
except RuntimeError as error:
    print("onnxmltools of it:", str(error)[:90])
PY
