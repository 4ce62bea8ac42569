#!/usr/bin/env bash
# ART's output defences are given to a classifier as postprocessing_defences and should act on what it answers. One of them
# answers a batch as a whole, and one classifier never calls them.
#
# Expected: ClassLabels() turns each row of probabilities into its own label; any wrapped scikit-learn model applies what it is
#           given.
# Seen:     adversarial-robustness-toolbox 1.20.1.
#           ClassLabels on a batch of three rows of three classes answers [1, 1, 1] for each of them: every class that occurs in
#           the batch is set in every row. Read by argmax, 67 % of iris is "wrong", and a batch of one row is right.
#           SVC(probability=True) answers to the last bit what it answers without a defence, for all five defences, GaussianNoise
#           among them. LogisticRegression is defended.
# On:       scikit-learn 1.9.1, numpy 2.4.6, CPython 3.11.7, Linux x86_64. GaussianNoise is random; the outcome is not.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile adversarial-robustness-toolbox==1.20.1 scikit-learn==1.9.1 numpy==2.4.6 \
    setuptools==80.9.0 packaging==25.0
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import numpy as np
from art.defences.postprocessor import ClassLabels, GaussianNoise, HighConfidence, ReverseSigmoid, Rounded
from art.estimators.classification import SklearnClassifier
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

X, y = load_iris(return_X_y=True)
X = X.astype(np.float32)
logistic = LogisticRegression(max_iter=1000).fit(X, y)
svc = SVC(probability=True, random_state=0).fit(X, y)

defended = SklearnClassifier(logistic, postprocessing_defences=ClassLabels())
three, one = defended.predict(X[[0, 60, 120]]), defended.predict(X[[60]])
wrong = float((defended.predict(X).argmax(axis=1) != logistic.predict(X)).mean())
print("ClassLabels, a batch of three:", three.tolist(), "one of them alone:", one.tolist())
print(f"labels by argmax that are not the model's: {wrong:.3f}")
assert (three == 1).all() and one.tolist() == [[0, 1, 0]]
assert wrong > 0.6

for defence in (ClassLabels(), Rounded(1), ReverseSigmoid(), HighConfidence(0.9), GaussianNoise(0.2)):
    change = {}
    for model in (logistic, svc):
        plain, guarded = SklearnClassifier(model), SklearnClassifier(model, postprocessing_defences=defence)
        change[type(model).__name__] = float(abs(guarded.predict(X) - plain.predict(X)).max())
    print(f"{type(defence).__name__:15} changes answers by up to", {name: round(value, 3) for name, value in change.items()})
    assert change["LogisticRegression"] > 0.01
    assert change["SVC"] == 0
PY
