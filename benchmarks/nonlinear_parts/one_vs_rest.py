"""One-vs-rest models: rows that equation-solving takes from probabilities, beside unknowns and what labels cost."""

from __future__ import annotations

import time
import warnings
from statistics import median
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

import mex
from mex.app.matrix.split import split
from mex.types import Estimator

REGISTRY = mex.load_registry()
FRESH = 20_000
"""Rows on which a copy is compared, half of them uniform on the domain and half between rows of the data."""
MOST = 1000
"""The most labels that pivot asks for."""
MODELS: dict[str, tuple[Estimator, tuple[str, ...]]] = {  # a model, its datasets
    "SGDClassifier": (SGDClassifier(loss="log_loss", random_state=0), ("iris", "wine")),
    "OneVsRestClassifier": (OneVsRestClassifier(LogisticRegression()), ("iris", "wine", "digits")),
}


def case(name: str, dataset: str, seed: int) -> dict[str, Any]:
    """One theft from probabilities to its end, a surrogate from as many rows, and a theft from labels."""
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = REGISTRY.build("dataset", dataset).load()
        parts = split(data, np.random.default_rng(seed))
        model = make_pipeline(StandardScaler(), MODELS[name][0]).fit(parts.train.X, parts.train.y)
        how: dict[str, Any] = {"domain": data.domain, "pool": parts.pool.X, "held_out": parts.held_out.X, "seed": seed}
        start = time.process_time()
        stolen = mex.attack("equation-solving", model, answers="proba", **how)
        seconds = time.process_time() - start
        surrogate = mex.attack("boosted-surrogate", model, answers="proba", budget=stolen.queries, **how)
        labels = mex.attack("pivot", model, answers="label", budget=MOST, **how)
        rng = np.random.default_rng(seed + 1)
        some = data.X[rng.integers(len(data.X), size=(2, FRESH // 2))]
        rows = np.concatenate([data.domain.sample(FRESH // 2, rng), data.domain.clip(some.mean(axis=0))])
        copy = stolen.hypothesis
        return {
            "weights": len(model.classes_) * (np.linalg.matrix_rank(data.X - data.X.mean(axis=0)) + 1),
            "k": len(model.classes_),
            "rows": stolen.queries,
            "error": float(np.abs(model.predict_proba(rows) - copy.predict_proba(rows)).max()),
            "wrong": int((model.predict(rows) != copy.predict(rows)).sum()),
            "exact": not stolen.note,
            "seconds": seconds,
            "surrogate": surrogate.agreement,
            "labels": labels.queries,
            "from labels": labels.agreement,
        }


def one_vs_rest(seeds: int) -> None:
    """Print a line for each model and dataset."""
    print(f"Rows to the end of equation-solving; errors and wrong labels on {FRESH:,} rows; pivot: {MOST} at most.\n")
    print("| model | dataset | weights | over k - 1 | rows | exact | off | wrong | CPU s | surrogate | pivot, labels |")
    print("| --- | --- | ---: | ---: | --- | --- | --- | --- | ---: | --- | --- |")
    for name, (_, datasets) in MODELS.items():
        for dataset in datasets:
            found = Parallel(2)(delayed(case)(name, dataset, seed) for seed in range(10, 10 + seeds))
            rows, weights = sorted(one["rows"] for one in found), found[0]["weights"]
            print(
                f"| {name} | {dataset} | {weights} | {weights / (found[0]['k'] - 1):.0f} "
                f"| {median(rows):.0f} ({rows[0]}–{rows[-1]}) | {sum(one['exact'] for one in found)} of {seeds} "
                f"| {max(one['error'] for one in found):.0e} | {sum(one['wrong'] for one in found)} "
                f"| {median(one['seconds'] for one in found):.1f} | {median(one['surrogate'] for one in found):.3f} "
                f"| {median(one['labels'] for one in found):.0f}: {median(one['from labels'] for one in found):.3f} |",
                flush=True,
            )


PARTS = {"one_vs_rest": one_vs_rest}
