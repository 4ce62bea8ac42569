#!/usr/bin/env bash
# LightGBM's classifier has feature_names_in_ as scikit-learn's have, and reads a data frame by position all the same. A server that
# makes frames of JSON objects takes the order of columns from the keys of the first object.
#
# Expected: columns are taken by name, or refused if their order is not that of the training, as scikit-learn does.
# Seen:     lightgbm 4.7.0 with pandas 3.1.1: the same table with its columns reversed gets another label on 38 % of the rows, without
#           a warning; names that were never seen change nothing. Of JSON objects whose keys come in another order, 37 % are
#           answered wrongly alone and none after an object with the usual order; 37 % of the usual ones after one of the others.
#           Levels go by position as well: two columns of categories exchanged are read with each other's levels, and every row
#           gets one label. scikit-learn 1.9.1 refuses, and so does validate_features=True, which is not the default.
# On:       numpy 2.4.6, CPython 3.11.7, Linux x86_64. The same on every run.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile lightgbm==4.7.0 scikit-learn==1.9.1 pandas==3.1.1 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" - <<'PY'
import warnings

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier
from lightgbm.basic import LightGBMError
from sklearn.ensemble import HistGradientBoostingClassifier

rng = np.random.default_rng(0)
table = pd.DataFrame(rng.normal(size=(3000, 4)), columns=["age", "debt", "income", "rate"])
y = (table["age"] + table["debt"] * table["income"] > 0.3).astype(int)
train, held = table[:2000], table[2000:]
turned = held[held.columns[::-1]]
model = LGBMClassifier(n_estimators=30, verbose=-1, n_jobs=1).fit(train, y[:2000])
assert model.feature_names_in_.tolist() == ["age", "debt", "income", "rate"]
right = model.predict(held)
with warnings.catch_warnings():
    warnings.simplefilter("error")
    changed = float((model.predict(turned) != right).mean())
    unknown = model.predict(held.set_axis(["w", "x", "y", "z"], axis=1))
print(f"the same table, its columns reversed: {changed:.3f} of the labels change; names never seen: {(unknown != right).mean():.3f}")
assert changed > 0.3 and (unknown == right).all()

refused = 0
for case in (
    lambda: model.predict(turned, validate_features=True),
    lambda: HistGradientBoostingClassifier(max_iter=5).fit(train, y[:2000]).predict(turned),
):
    try:
        case()
    except (LightGBMError, ValueError) as error:
        refused += 1
        print("refused:", str(error).splitlines()[0])
assert refused == 2

usual, other = held.to_dict(orient="records"), turned.to_dict(orient="records")
assert usual == other  # JSON objects that are equal


def last(*rows):
    """The label of the last row of a request."""
    return model.predict(pd.DataFrame(list(rows)))[-1]


shares = {
    "other keys, alone": [last(row) for row in other[:300]],
    "other keys, after a usual row": [last(usual[-1], row) for row in other[:300]],
    "usual keys, after a row of other keys": [last(other[-1], row) for row in usual[:300]],
}
shares = {name: float((np.array(labels) != right[:300]).mean()) for name, labels in shares.items()}
print("labels that are not the model's:", {name: round(share, 3) for name, share in shares.items()})
assert shares["other keys, alone"] == shares["usual keys, after a row of other keys"] > 0.3
assert shares["other keys, after a usual row"] == 0

towns, trades = np.array(["Bonn", "Kiel", "Ulm"]), np.array(["baker", "cook", "smith"])
levels = pd.DataFrame({"town": towns[rng.integers(0, 3, 3000)], "trade": trades[rng.integers(0, 3, 3000)]}).astype("category")
z = ((levels["town"] == "Kiel") ^ (levels["trade"] == "smith")).astype(int)
model = LGBMClassifier(n_estimators=30, verbose=-1, n_jobs=1).fit(levels, z)
exchanged = model.predict(levels[["trade", "town"]])
print(f"two columns of categories: {(model.predict(levels) == z).mean():.3f} right; exchanged {(exchanged == z).mean():.3f}", end=" ")
print("with the labels", np.unique(exchanged).tolist())
assert (model.predict(levels) == z).all() and len(np.unique(exchanged)) == 1
PY
