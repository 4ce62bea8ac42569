#!/usr/bin/env bash
# XGBoost keeps the levels of a categorical column in the model and translates those of each table that it is asked about.
# It cuts the levels out of one UTF-8 string by their lengths in characters, not in bytes.
#
# Expected: a level that is not ASCII is kept as it is, and a row gets the same answer whatever stands beside it.
# Seen:     xgboost-cpu 3.2.0: the levels Bern, Köln, Wien, Zürich are kept, and saved, as Bern, Köl, nWie, nZüri. Asked
#           about a table whose categories are those of the training table, the model answers rightly, as both are cut alike.
#           Asked about Zürich alone, it gives, without a warning, the answer for another city: the only row of a request
#           that is labelled otherwise than in training. With Koln and Zurich instead, all is right.
# On:       pandas 3.1.1 (text and object categories alike), numpy 2.4.6, pyarrow 26.0.1, CPython 3.11.7, Linux x86_64.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile xgboost-cpu==3.2.0 scikit-learn==1.9.1 numpy==2.4.6 pandas==3.1.1 pyarrow==26.0.1
cd "$work"
"$work/venv/bin/python" - <<'PY'
import pandas as pd
import xgboost


def kept_and_answers(cities):
    table = pd.DataFrame({"city": pd.Categorical(cities * 10)})
    model = xgboost.XGBClassifier(n_estimators=3, enable_categorical=True, n_jobs=1).fit(table, [0, 1, 0, 1] * 10)
    ((_, levels),) = model.get_booster().get_categories(export_to_arrow=True).to_arrow()
    together = model.predict(table[:4]).tolist()
    alone = [int(model.predict(pd.DataFrame({"city": pd.Categorical([city])}))[0]) for city in cities]
    return levels.to_pylist(), together, alone


beyond = kept_and_answers(["Köln", "Wien", "Zürich", "Bern"])
plain = kept_and_answers(["Koln", "Wien", "Zurich", "Bern"])
for found in (beyond, plain):
    print("kept {}; asked together {}, one by one {}".format(*found))
assert plain == (["Bern", "Koln", "Wien", "Zurich"], [0, 1, 0, 1], [0, 1, 0, 1])
assert beyond == (["Bern", "Köl", "nWie", "nZüri"], [0, 1, 0, 1], [0, 1, 1, 1])
PY
