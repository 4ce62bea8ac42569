#!/usr/bin/env bash
# Decision trees put a threshold midway between two training values. So does HistGradientBoosting as long as a column has
# at most 255 different values; with more, the threshold is, to the last bit, a value of a training row.
#
# Expected: thresholds between training values (DecisionTree: 0 % are training values), at most at rounded quantiles.
# Seen:     scikit-learn 1.9.1, 3000 rows of 5 real columns: 97 % of 3000 thresholds of HistGradientBoostingRegressor are values of
#           training rows; on 250 rows 0 %. A row at the threshold goes left, the next number right, so answers alone tell the
#           training value to all its digits, by 51 halvings.
# On:       numpy 2.4.6, CPython 3.11.7, Linux x86_64. The same on every run.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile scikit-learn==1.9.1 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" - <<'PY'
import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.tree import DecisionTreeRegressor

rng = np.random.default_rng(0)
X = rng.normal(size=(3000, 5))
y = X @ rng.normal(size=5) + np.sin(3 * X[:, 0])


def thresholds(model):
    """Column and threshold of every split of a fitted model."""
    for trees in model._predictors:
        for tree in trees:
            splits = tree.nodes[tree.nodes["is_leaf"] == 0]
            yield from zip(splits["feature_idx"].tolist(), splits["num_threshold"].tolist(), strict=True)


def share_of_training_values(splits, rows):
    values = [set(column.tolist()) for column in rows.T]
    return float(np.mean([threshold in values[column] for column, threshold in splits]))


model = HistGradientBoostingRegressor(random_state=0).fit(X, y)
few = HistGradientBoostingRegressor(random_state=0).fit(X[:250], y[:250])
tree = DecisionTreeRegressor(random_state=0).fit(X, y).tree_
inner = tree.children_left >= 0
shares = {
    "HistGradientBoosting, 3000 rows": share_of_training_values(thresholds(model), X),
    "HistGradientBoosting, 250 rows": share_of_training_values(thresholds(few), X[:250]),
    "DecisionTree, 3000 rows": share_of_training_values(zip(tree.feature[inner], tree.threshold[inner]), X),
}
for name, share in shares.items():
    print(f"{name:32} thresholds that are values of training rows: {share:.3f}")
assert shares["HistGradientBoosting, 3000 rows"] > 0.9
assert shares["HistGradientBoosting, 250 rows"] < 0.01
assert shares["DecisionTree, 3000 rows"] < 0.01

# From answers only: bisect for the last step of column 0 above an ordinary row.
row = X[:1].copy()


def answer(value):
    row[0, 0] = value
    return float(model.predict(row)[0])


low, high, asked = float(X[:, 0].max()) - 1.0, float(X[:, 0].max()), 0
right = answer(high)
while answer(low) == right:
    low -= 1.0
while np.nextafter(low, high) < high:
    middle = low + (high - low) / 2
    asked += 1
    low, high = (low, middle) if answer(middle) == right else (middle, high)
print(f"found by {asked} questions: {low!r}, the value of {int((X[:, 0] == low).sum())} training row")
assert (X[:, 0] == low).sum() == 1
PY
