#!/usr/bin/env bash
# From 16 columns on, scikit-learn's nearest neighbours change their method by default, and a training row is no longer at
# distance 0 from itself.
#
# Expected: the distance of a training row to itself is 0, so KNeighborsClassifier(weights="distance") answers every training row
#           with its own label and probability 1, whatever the number of columns.
# Seen:     scikit-learn 1.9.1, breast-cancer: with its last 15 columns so for all rows (kd_tree). With the last 16 (brute) 28 %
#           of the rows are up to 6.1e-05 away from themselves and 5.8 % are not given probability 1; with all 30 columns 13 % and
#           3.0 %. algorithm="kd_tree" with 30 columns: all at 0.
# On:       numpy 2.4.6, CPython 3.11.7, Linux x86_64; OMP_NUM_THREADS=1. The same on every run here; the shares depend on the
#           machine's linear algebra.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile scikit-learn==1.9.1 numpy==2.4.6
cd "$work"
OMP_NUM_THREADS=1 "$work/venv/bin/python" - <<'PY'
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.neighbors import KNeighborsClassifier

whole, y = load_breast_cancer(return_X_y=True)
seen = {}
for columns, algorithm in ((15, "auto"), (16, "auto"), (30, "auto"), (30, "kd_tree")):
    X = np.ascontiguousarray(whole[:, -columns:])
    model = KNeighborsClassifier(weights="distance", algorithm=algorithm).fit(X, y)
    own = model.kneighbors(X, 1)[0].ravel()
    at_zero = float((own == 0).mean())
    sure = float((model.predict_proba(X)[np.arange(len(X)), y] == 1).mean())
    seen[columns, algorithm] = at_zero, sure
    print(
        f"{columns} columns, {algorithm:7}: own distance 0 for {at_zero:.3f} of the training rows "
        f"(largest {own.max():.1e}), probability 1 for {sure:.3f}"
    )
assert seen[15, "auto"] == seen[30, "kd_tree"] == (1, 1)
for columns in (16, 30):
    assert seen[columns, "auto"][0] < 0.95, f"{columns} columns"
    assert seen[columns, "auto"][1] < 0.99, f"{columns} columns"
PY
