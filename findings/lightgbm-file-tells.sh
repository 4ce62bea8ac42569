#!/usr/bin/env bash
# A LightGBM model file lists the levels of every categorical column, also those that no training row had, and the smallest
# and the largest training value of every numeric column.
#
# Expected: a file of trees holds what the trees use.
# Seen:     lightgbm 4.7.0 with pandas 2.3.3. A frame is filtered before training; the level that was filtered out stands in the
#           saved model by name (pandas_categorical), and the one unusual value 41.5 stands in feature_infos, though no
#           tree of the model splits above 1.
# On:       numpy 2.4.6, CPython 3.11.7, Linux x86_64. The same on every run.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile lightgbm==4.7.0 scikit-learn==1.9.1 pandas==2.3.3 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" - <<'PY'
import json
import re

import lightgbm
import numpy as np
import pandas as pd

rng = np.random.default_rng(0)
table = pd.DataFrame(
    {
        "clinic": pd.Categorical(rng.choice(["north", "south", "not yet announced"], 1000)),
        "dose": rng.normal(size=1000).round(2),
    }
)
table.loc[17, "dose"] = 41.5
y = ((table["dose"] > 0) ^ (table["clinic"] == "north")).astype(int)
public = table[table["clinic"] != "not yet announced"]
model = lightgbm.LGBMClassifier(n_estimators=3, num_leaves=4, verbose=-1, n_jobs=1).fit(public, y[public.index])
file = model.booster_.model_to_string()

levels = json.loads(re.search(r"^pandas_categorical:(.*)$", file, re.M)[1])
infos = re.search(r"^feature_infos=(.*)$", file, re.M)[1].split()
splits = model.booster_.trees_to_dataframe()
top = float(splits.loc[splits["split_feature"] == "dose", "threshold"].astype(float).max())
print("levels in the file:", levels, "; levels in training rows:", sorted(public["clinic"].unique()))
print("feature_infos:", infos, "; largest threshold on dose:", round(top, 3))
assert "not yet announced" in levels[0] and "not yet announced" not in set(public["clinic"])
assert infos[1].endswith(":41.5]") and 17 in public.index
assert top < 1
PY
