#!/usr/bin/env bash
# KnockoffNets and CopycatCNN say that they need a victim and a thief that are ART classifiers, no more. A classifier of
# scikit-learn that ART wraps is one, and cannot be the thief; and a victim that answers labels ends the bandit.
#
# Expected: extract() trains an SklearnClassifier; the adaptive strategy runs with each reward on each classifier.
# Seen:     adversarial-robustness-toolbox 1.20.1.
#           extract() calls thief.fit(x, y, batch_size=…), which SklearnClassifier hands on: LogisticRegression.fit() got an
#           unexpected keyword argument 'batch_size'. CopycatCNN likewise.
#           With reward="all", the default, certainties are divided by their spread. A victim that answers one-hot labels is
#           always as certain: 0/0 at the second query, and numpy.random.choice raises "probabilities contain NaN". The
#           rewards "div" and "loss" run.
# On:       scikit-learn 1.9.1, numpy 2.4.6, CPython 3.11.7, Linux x86_64.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile adversarial-robustness-toolbox==1.20.1 scikit-learn==1.9.1 numpy==2.4.6 \
    setuptools==80.9.0 packaging==25.0
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import numpy as np
from art.attacks.extraction import CopycatCNN, KnockoffNets
from art.estimators.classification import BlackBoxClassifier, SklearnClassifier
from art.estimators.classification.scikitlearn import ScikitlearnClassifier
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression, SGDClassifier

X, y = load_iris(return_X_y=True)
X = X.astype(np.float32)
model = LogisticRegression(max_iter=1000).fit(X, y)
victim = SklearnClassifier(model)

for attack in (KnockoffNets, CopycatCNN):
    try:
        attack(victim, nb_stolen=100).extract(X, thieved_classifier=SklearnClassifier(LogisticRegression()))
    except TypeError as error:
        print(f"{attack.__name__}: {error}")
        assert "batch_size" in str(error)
    else:
        raise SystemExit(f"{attack.__name__} trains a classifier of scikit-learn")


class Thief(ScikitlearnClassifier):
    def fit(self, x, y, **kwargs):
        self.model.partial_fit(x, y.argmax(axis=1), classes=[0, 1, 2])


labels = BlackBoxClassifier(lambda x: np.eye(3)[model.predict(x)], (4,), 3)
outcomes = {}
for reward in ("all", "div", "loss"):
    np.random.seed(0)
    bandit = KnockoffNets(labels, nb_stolen=100, sampling_strategy="adaptive", reward=reward, verbose=False)
    try:
        bandit.extract(X, y, thieved_classifier=Thief(SGDClassifier(loss="log_loss")))
        outcomes[reward] = "runs"
    except ValueError as error:
        outcomes[reward] = str(error)
print("a victim that answers labels:", outcomes)
assert outcomes == {"all": "probabilities contain NaN", "div": "runs", "loss": "runs"}
PY
