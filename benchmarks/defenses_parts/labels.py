"""Labels behind each defense: those of the model that the operator has, whatever its decision rule."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV, train_test_split
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import mex
from mex.types import Estimator

DEFENSES = (
    "none",
    "rounding:decimals=6",
    "rounding:decimals=1",
    "top-k",
    "hide-low-confidence",
    "reverse-sigmoid",
    "label-only",
    "query-budget",
    "query-detector:action='flag'",
    "gaussian-output:scale=1e-9,sticky=true",
    "gaussian-output:scale=0.1,sticky=true",
    "bounded-noise:rho=0.05,sticky=true",
    "boundary-noise:share=0.1,sticky=true",
    "margin-noise:relative=true,scale=0.3,sticky=true",
    "model-ensemble:sticky=true",
    "model-distribution:sticky=true",
)
MODELS: dict[str, tuple[Estimator, str]] = {
    "logistic": (LogisticRegression(max_iter=1000), "breast-cancer"),
    "threshold 0.9": (FixedThresholdClassifier(LogisticRegression(max_iter=1000), threshold=0.9), "breast-cancer"),
    "tuned": (TunedThresholdClassifierCV(LogisticRegression(max_iter=1000), scoring="f1"), "breast-cancer"),
    "SVC": (SVC(probability=True, random_state=0), "breast-cancer"),
    "SVC, 3 classes": (SVC(probability=True, random_state=0), "iris"),
}


def labels(seeds: int) -> None:
    """Held-out rows, in percent, that a served defense labels otherwise than the model itself does: mean over seeds.

    ``contradictions`` are labels of the model itself that are not its most probable class. Noise is to change labels;
    behind other defenses the share is to be 0.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SVC(probability=True) is on its way out of scikit-learn
        changed = {name: [_changed(*model, seed) for seed in range(seeds)] for name, model in MODELS.items()}
    print(f"{'':<50}", *(f"{name:>15}" for name in MODELS))
    for defense in ("contradictions", *DEFENSES):
        shares = ([run[defense] for run in runs] for runs in changed.values())
        print(f"{defense:<50}", *(f"{_mean(runs):>15}" for runs in shares), flush=True)


def _mean(shares: list[float | None]) -> str:
    known = [share for share in shares if share is not None]
    return f"{100 * np.mean(known):.2f}" if len(known) == len(shares) else "refused"


def _changed(learner: Estimator, dataset: str, seed: int) -> dict[str, float | None]:
    X, y = (load_breast_cancer if dataset == "breast-cancer" else load_iris)(return_X_y=True)
    X, held_out, y, _ = train_test_split(X, y, test_size=0.4, random_state=seed, stratify=y)
    scaler = StandardScaler().fit(X)
    X, held_out = scaler.transform(X), scaler.transform(held_out)
    model = learner.fit(X, y)
    truth = model.predict(held_out)
    likely = model.classes_[model.predict_proba(held_out).argmax(axis=1)]
    shares: dict[str, float | None] = {"contradictions": float(np.mean(likely != truth))}
    for defense in DEFENSES:
        try:
            served = mex.DefendedClassifier.wrap(model, defense, X, y, secret=str(seed))
        except mex.Incompatible as error:
            print(f"  {type(learner).__name__}, seed {seed}: {error}") if seed == 0 else None
            shares[defense] = None
        else:
            shares[defense] = float(np.mean(served.predict(held_out) != truth))
    return shares


PARTS: dict[str, Callable[[int], None]] = {"labels": labels}
