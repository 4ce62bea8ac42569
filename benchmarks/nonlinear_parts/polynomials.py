"""Models whose scores are polynomials: rows beside their coefficients, and the copy beside a surrogate's."""

from __future__ import annotations

import time
import warnings
from statistics import median
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from threadpoolctl import threadpool_limits

import mex
from mex.app.matrix.split import split
from mex.family import family_of
from mex.types import Estimator
from mex_polynomial_solving.lift import Lift

REGISTRY = mex.load_registry()
FRESH = 20_000
"""Rows on which a copy is compared, half of them uniform on the domain and half between rows of the data."""


def scaled(*steps: Estimator) -> Estimator:
    return make_pipeline(StandardScaler(), *steps)


TARGETS: dict[str, tuple[Estimator, tuple[str, ...]]] = {  # a model, its datasets
    "Gaussian naive Bayes": (GaussianNB(), ("breast-cancer", "wine", "ionosphere", "spambase", "pima-diabetes")),
    "the same of 5 components": (scaled(PCA(5), GaussianNB()), ("breast-cancer", "wine")),
    "quadratic discriminants": (QuadraticDiscriminantAnalysis(reg_param=0.01), ("iris", "wine", "pima-diabetes")),
    "squares, logistic": (scaled(PolynomialFeatures(2), LogisticRegression(max_iter=5000)), ("iris", "wine", "heart")),
    "cubes, logistic": (scaled(PolynomialFeatures(3), LogisticRegression(max_iter=5000)), ("iris", "pima-diabetes")),
    "squares, ridge": (scaled(PolynomialFeatures(2), Ridge()), ("diabetes",)),
}


def case(name: str, dataset: str, seed: int) -> dict[str, Any]:
    """One theft to its end, and a surrogate from as many rows."""
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = REGISTRY.build("dataset", dataset).load()
        parts = split(data, np.random.default_rng(seed))
        model = TARGETS[name][0].fit(parts.train.X, parts.train.y)
        values = data.task == "regression"
        public = family_of(model).public
        how: dict[str, Any] = {
            "domain": data.domain,
            "pool": parts.pool.X,
            "held_out": parts.held_out.X,
            "answers": "value" if values else "proba",
            "seed": seed,
        }
        start = time.process_time()
        stolen = mex.attack("polynomial-solving", model, **how)
        seconds = time.process_time() - start
        surrogate = mex.attack(
            "active-regression" if values else "boosted-surrogate", model, budget=stolen.queries, **how
        )
        rng = np.random.default_rng(seed + 1)
        some = data.X[rng.integers(len(data.X), size=(2, FRESH // 2))]
        rows = np.concatenate([data.domain.sample(FRESH // 2, rng), data.domain.clip(some.mean(axis=0))])
        ask = "predict" if values else "predict_proba"
        truth = getattr(model, ask)(rows)
        copy = getattr(stolen.hypothesis, ask)(rows) if hasattr(stolen.hypothesis, ask) else np.nan
        size = np.abs(truth).max() if values else 1.0
        wrong = 0 if values else int((model.predict(rows) != stolen.hypothesis.predict(rows)).sum())
        return {
            "rows": stolen.queries,
            "coefficients": Lift(data.domain.n_features, public["degree"], public["cross"]).columns,
            "error": float(np.abs(truth - copy).max() / size),
            "wrong": wrong,
            "exact": not stolen.note,
            "seconds": seconds,
            "surrogate": surrogate.agreement,
        }


def polynomial(seeds: int) -> None:
    """Print a line for each model and dataset."""
    print(f"Rows to the end of polynomial-solving; errors and wrong labels on {FRESH:,} rows.\n")
    print("| model | dataset | coefficients | rows | exact | largest error | wrong | CPU s | surrogate, same rows |")
    print("| --- | --- | ---: | --- | --- | --- | --- | ---: | --- |")
    for name, (_, datasets) in TARGETS.items():
        for dataset in datasets:
            found = Parallel(2)(delayed(case)(name, dataset, seed) for seed in range(10, 10 + seeds))
            rows = sorted(one["rows"] for one in found)
            print(
                f"| {name} | {dataset} | {found[0]['coefficients']} | {median(rows):.0f} ({rows[0]}–{rows[-1]}) "
                f"| {sum(one['exact'] for one in found)} of {seeds} | {max(one['error'] for one in found):.0e} "
                f"| {sum(one['wrong'] for one in found)} | {median(one['seconds'] for one in found):.1f} "
                f"| {median(one['surrogate'] for one in found):.3f} |",
                flush=True,
            )


PARTS = {"polynomial": polynomial}
