#!/usr/bin/env bash
# daal4py.mb.convert_model makes a quick model of a booster of XGBoost, LightGBM or CatBoost. It reads the trees; of what a booster
# does besides, links, scales, labels, missing values, a part is neither taken over nor refused.
#
# Expected: convert_model answers as the booster does, or refuses, as it does for DART, linear trees and categories.
# Seen:     scikit-learn-intelex 2026.2.0 on xgboost 3.2.0, lightgbm 4.7.0, catboost 1.2.10; no error, no warning.
#           A LightGBM trained on complete rows takes missing values for zeros, and the converted one does not: 10 % of the labels of
#           2000 incomplete rows change. Trained on incomplete rows it is converted rightly.
#           LightGBM with sigmoid=2: probabilities off by up to 0.15. CatBoost after set_scale_and_bias: probabilities are all NaN,
#           and every label is the first class. set_probability_threshold(0.8) is forgotten: 13 % of the labels.
#           Labels are places: classes 1 and 2 are answered as 0 and 1, so that 1 means the other class.
#           Regressors with a link (Poisson, Tweedie, cross-entropy) give margins: shares below 0 and above 1, negative counts.
#           Without these all three are right to 1e-6.
# On:       scikit-learn 1.9.1, numpy 2.4.6, CPython 3.11.7, Linux x86_64. The same on every run.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile scikit-learn-intelex==2026.2.0 xgboost-cpu==3.2.0 lightgbm==4.7.0 catboost==1.2.10 \
    scikit-learn==1.9.1 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import daal4py
import numpy as np
from catboost import CatBoostClassifier, CatBoostRegressor
from lightgbm import LGBMClassifier, LGBMRegressor
from xgboost import XGBClassifier, XGBRegressor

rng = np.random.default_rng(0)
X = rng.normal(size=(4000, 6))
y = (X[:, 0] + X[:, 1] * X[:, 2] + rng.normal(size=4000) / 2 > 0.7).astype(int)
train, held = X[:2000], X[2000:]
labels, counts = y[:2000], rng.poisson(np.exp(X[:2000, 0])).astype(float)
holes = rng.random(held.shape) < 0.15
incomplete, sparse = np.where(holes, np.nan, held), np.where(holes, np.nan, train)
light = {"n_estimators": 50, "verbose": -1, "n_jobs": 1}
cat = {"iterations": 50, "depth": 5, "verbose": 0, "thread_count": 1, "allow_writing_files": False}


def shown(name, booster, rows):
    """How far the probabilities, or values, and labels of the converted model are off."""
    converted = daal4py.mb.convert_model(booster)
    if not hasattr(booster, "predict_proba"):
        given, made = booster.predict(rows), np.ravel(converted.predict(rows))
        print(f"{name:44} values off by up to {np.abs(made - given).max():.2g}; {given.min():.2f} … {given.max():.2f}", end=" ")
        print(f"became {made.min():.2f} … {made.max():.2f}")
        return float(np.abs(made - given).max()), given, made
    given, made = booster.predict_proba(rows), converted.predict_proba(rows)
    changed = float((np.ravel(converted.predict(rows)).astype(str) != np.ravel(booster.predict(rows)).astype(str)).mean())
    print(f"{name:44} probabilities off by up to {np.abs(made - given).max():.2g}; labels changed: {changed:.3f}")
    return float(np.abs(made - given).max()), changed, made


fair = {
    "XGBoost": XGBClassifier(n_estimators=50, n_jobs=1),
    "LightGBM": LGBMClassifier(**light),
    "CatBoost": CatBoostClassifier(**cat),
}
for name, booster in fair.items():
    assert shown(name, booster.fit(train, labels), held)[0] < 1e-6
    assert shown(f"{name}, missing values in both", booster.fit(sparse, labels), incomplete)[0] < 1e-6

off, changed, _ = shown("LightGBM, missing values in questions", LGBMClassifier(**light).fit(train, labels), incomplete)
assert off > 0.5 and changed > 0.05
booster = LGBMClassifier(**light).fit(train, labels)
assert (booster.predict_proba(incomplete) == booster.predict_proba(np.where(holes, 0.0, held))).all()
off, changed, _ = shown("LightGBM, sigmoid=2", LGBMClassifier(sigmoid=2.0, **light).fit(train, labels), held)
assert off > 0.1 and changed == 0
for booster in (LGBMClassifier(**light), CatBoostClassifier(**cat)):
    booster.fit(train, labels + 1)
    given, made = np.ravel(booster.predict(held)), np.ravel(daal4py.mb.convert_model(booster).predict(held))
    print("classes of", type(booster).__name__, np.unique(given).tolist(), "became", np.unique(made).tolist())
    assert (made == given - 1).all()
booster = CatBoostClassifier(**cat).fit(train, labels)
booster.set_probability_threshold(0.8)
assert shown("CatBoost, a threshold of 0.8", booster, held)[1] > 0.05
booster = CatBoostClassifier(**cat).fit(train, labels)
booster.set_scale_and_bias(0.5, 1.0)
_, changed, made = shown("CatBoost, half the margin and 1", booster, held)
assert np.isnan(made).all() and changed > 0.1

links = {
    "XGBoost, reg:logistic": (XGBRegressor(objective="reg:logistic", n_estimators=50, n_jobs=1), labels),
    "XGBoost, count:poisson": (XGBRegressor(objective="count:poisson", n_estimators=50, n_jobs=1), counts),
    "LightGBM, cross_entropy": (LGBMRegressor(objective="cross_entropy", **light), labels),
    "LightGBM, poisson": (LGBMRegressor(objective="poisson", **light), counts),
    "CatBoost, Tweedie": (CatBoostRegressor(loss_function="Tweedie:variance_power=1.5", **cat), counts),
}
for name, (booster, target) in links.items():
    off, given, made = shown(name, booster.fit(train, target), held)
    assert off > 1 and given.min() > 0 and made.min() < 0
PY
