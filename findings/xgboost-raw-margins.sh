#!/usr/bin/env bash
# objective="binary:logitraw" trains the trees of objective="binary:logistic" and leaves the sigmoid out. The classifier around
# them does not know: it takes margins for probabilities.
#
# Expected: predict_proba is refused or applies the sigmoid, and labels are the same: the margin's sign.
# Seen:     xgboost-cpu 3.2.0 XGBClassifier, both started at a margin of 0: margins equal to the last bit, and
#           predict_proba is (1 - margin, margin): from -2.34 to 3.34, 66 % of the rows with a negative "probability";
#           predict compares the margin with 0.5, which is a probability of 0.62: 13 % of the labels differ from those of
#           binary:logistic. Rows sum to 1, so a check of the sums passes.
# On:       scikit-learn 1.9.1, numpy 2.4.6, CPython 3.11.7, Linux x86_64. The same on every run.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile xgboost-cpu==3.2.0 scikit-learn==1.9.1 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" - <<'PY'
import numpy as np
import xgboost
from sklearn.datasets import load_breast_cancer

X, y = load_breast_cancer(return_X_y=True)
flipped = np.where(np.random.default_rng(0).random(len(y)) < 0.25, 1 - y, y)  # so that margins are small
train, test = X[::2], X[1::2]


def fitted(objective, start):
    model = xgboost.XGBClassifier(n_estimators=10, max_depth=2, objective=objective, base_score=start, n_jobs=1)
    return model.fit(train, flipped[::2])


raw, logistic = fitted("binary:logitraw", 0), fitted("binary:logistic", 0.5)  # the same start, in margins
margin = raw.predict(test, output_margin=True)
p = raw.predict_proba(test)
other = float((raw.predict(test) != logistic.predict(test)).mean())
print("margins equal:", np.array_equal(margin, logistic.predict(test, output_margin=True)))
print(f"predict_proba from {p.min():.2f} to {p.max():.2f}, rows with a negative entry {(p < 0).any(axis=1).mean():.2f}")
print(f"labels other than those of binary:logistic: {other:.3f}")
assert np.array_equal(margin, logistic.predict(test, output_margin=True))
assert np.array_equal(p[:, 1], margin) and p.min() < -0.5
assert np.allclose(p.sum(axis=1), 1)
assert np.array_equal(raw.predict(test), (margin > 0.5).astype(int)), "labels are no longer cut at a margin of 0.5"
assert np.array_equal(logistic.predict(test), (margin > 0).astype(int))
assert other > 0.01
PY
