"""Defenses of confidence: what they cost, what they buy against equations and against labels, and what they hold to.

All models are fitted on real data; everyone is held to the same budget of queries.
"""

from __future__ import annotations

import collections
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from joblib import Parallel, delayed

import mex
from mex.app.matrix.cells import Cell
from mex.app.matrix.experiment import run_cell
from mex.app.matrix.scenarios import Scene, set_scene
from mex.types import Answer, Array, stream

REGISTRY = mex.load_registry()
SEEDS = 3
BUDGET = 1000

DEFENSES = (
    "none",
    "label-only",
    "rounding:decimals=2",
    "rounding:decimals=1",
    "rounding:decimals=0",
    "top-k:k=1",
    "hide-low-confidence:threshold=0.25",
    "hide-low-confidence:threshold=0.5",
    "reverse-sigmoid:beta=0.7,gamma=0.2",
    "gaussian-output:scale=0.1",
    "gaussian-output:scale=0.1,sticky=true",
    "gaussian-output:scale=0.3,sticky=true",
)
VALUE_DEFENSES = (
    "none",
    "rounding:digits=2",
    "rounding:grid=0.1",
    "value-noise:scale=0.1",
    "value-noise:scale=0.1,sticky=true",
)
STEALING = (("equation-solving", "proba"), ("passive:sampler='near'", "proba"), ("pivot", "label"))
BINARY = ("breast-cancer", "spambase", "australian", "heart", "pima-diabetes")
MULTICLASS = ("iris", "wine")


def scene(model: str, dataset: str, seed: int = 0) -> Scene:
    """A model fitted on a dataset."""
    return set_scene(REGISTRY, REGISTRY.resolve("model", model), REGISTRY.resolve("dataset", dataset), seed)


def protected(spec: str, shown: Scene, seed: int = 0) -> mex.Target:
    """The model of a scene behind a defense."""
    defended: mex.Target = REGISTRY.build("defense", spec).protect(shown.target, shown.train, stream(seed, "defense"))
    return defended


def _record(attack: str, answers: Any, defense: str, model: str, dataset: str, seed: int) -> dict[str, Any]:
    names = {"attack": attack, "defense": defense, "model": model, "dataset": dataset}
    parts = {kind: REGISTRY.resolve(kind, name) for kind, name in names.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a thief's logistic regression may not converge on strange labels
        return run_cell(REGISTRY, Cell(**parts, seed=seed, budget=BUDGET, answers=answers))


def _median(records: list[dict[str, Any]], field: str) -> float:
    known = [r[field] for r in records if r["status"] == "ok" and r[field] is not None]
    return float(np.median(known)) if known else float("nan")


def _stolen(records: list[dict[str, Any]]) -> str:
    if any(r["status"] == "failed" for r in records):
        return "failed".rjust(18)
    if not any(r["status"] == "ok" for r in records):
        return "-".rjust(18)
    return f"{_median(records, 'queries'):6.0f} {_median(records, 'near_agreement'):5.3f} {_low(records):5.3f}"


def _low(records: list[dict[str, Any]]) -> float:
    return float(min(r["uniform_agreement"] for r in records if r["status"] == "ok"))


def confidence(seeds: int) -> None:
    """What each defense costs, and what it buys against equations, probabilities and labels, on logistic models.

    ``acc lost`` is the honest accuracy lost on held-out rows, in points, ``labels`` the share of them answered with
    another label, ``TV`` the mean total variation between the probabilities told and f*'s. Each attack: median queries,
    median agreement near the data, lowest agreement on uniform points over the seeds; ``-`` where it is skipped.
    """
    names = (attack.partition(":")[0] for attack, _ in STEALING)
    print(f"{'':<14}  {'':<39}  acc lost  labels     TV", *(f"{name:>18}" for name in names), sep="  ")
    for dataset in (*BINARY, *MULTICLASS):
        for defense in DEFENSES:
            cells = [(a, k, defense, "logistic", dataset, s) for a, k in STEALING for s in range(seeds)]
            done = Parallel(n_jobs=2)(delayed(_record)(*cell) for cell in cells)
            attacks = [done[i * seeds : (i + 1) * seeds] for i in range(len(STEALING))]
            told, labelled = attacks[1], attacks[2]
            costs = [_cost(defense, dataset, s) for s in range(seeds)]
            lost, labels = np.mean(costs, axis=0)
            print(
                f"{dataset:<14}  {defense:<39}  {lost:8.2f}  {labels:6.3f}  {_median(told, 'answer_shift'):5.3f}",
                *map(_stolen, (attacks[0], told, labelled)),
                sep="  ",
                flush=True,
            )


def _cost(defense: str, dataset: str, seed: int) -> tuple[float, float]:
    shown = scene("logistic", dataset, seed)
    X, truth = shown.yardstick.points["agreement"], shown.yardstick.truth
    bare, told = shown.target.answer(X, "label"), protected(defense, shown, seed).answer(X, "label")
    return 100 * float(np.mean(bare == truth) - np.mean(told == truth)), float(np.mean(bare != told))


def values(seeds: int) -> None:
    """The same for a linear regression on diabetes: equation solving on values.

    ``R2 lost`` on held-out rows, ``shift`` in standard deviations of f*'s values; then queries, R2 near the data.
    """
    for defense in VALUE_DEFENSES:
        runs = [_record("equation-solving", "value", defense, "linear-regression", "diabetes", s) for s in range(seeds)]
        lost = _median(runs, "target_accuracy") - _median(runs, "defended_accuracy")
        print(
            f"diabetes  {defense:<36} R2 lost {lost:6.4f}  shift {_median(runs, 'answer_shift'):5.3f}  "
            f"queries {_median(runs, 'queries'):5.0f}  near R2 {_median(runs, 'near_agreement'):.6f}",
            flush=True,
        )


def conformance(seeds: int) -> None:
    """Batch equals rows, probabilities are some, the label is their largest, something changes: every pair.

    A row is a defense over all models, datasets and seeds; ``skipped`` is the kernel SVM, which gives labels only, as
    ``unchanged`` is under ``label-only``.
    """
    models = ("logistic", "decision-tree", "random-forest:trees=20", "kernel-svm")
    for defense in DEFENSES[1:]:
        counts: collections.Counter[str] = collections.Counter()
        for model in models:
            for dataset in ("breast-cancer", "iris", "digits"):
                for seed in range(seeds):
                    shown = scene(model, dataset, seed)
                    try:
                        counts.update(_findings(defense, shown, seed))
                    except mex.Incompatible:
                        counts["skipped"] += 1
        line = "  ".join(f"{name} {counts[name]}" for name in ("checked", "broken", "unchanged", "skipped"))
        print(f"{defense:<40} {line}   worst |sum - 1| {_worst(defense):.1e}", flush=True)


def _findings(defense: str, shown: Scene, seed: int) -> list[str]:
    batch, rows, target = protected(defense, shown, seed), protected(defense, shown, seed), shown.target
    X = shown.yardstick.points["near_agreement"][:50]
    found = ["checked"]
    changed = batch.answers != target.answers
    for kind in batch.answers:
        told, single = batch.answer(X, kind), np.concatenate([rows.answer(x[None], kind) for x in X])
        same = np.allclose(told, single, atol=1e-9) if kind == "proba" else np.array_equal(told, single)
        found += [] if same else ["broken"]
        changed = changed or not np.array_equal(told, target.answer(X, kind))
        if kind == "proba":
            whole = np.isfinite(told).all() and (told >= 0).all() and np.allclose(told.sum(axis=1), 1, atol=1e-9)
            found += [] if whole else ["broken"]
    if "proba" in batch.answers and "scale" in defense and "sticky" not in defense:
        return found if changed else [*found, "unchanged"]  # fresh noise: a label is a draw of its own
    if "proba" in batch.answers and target.classes is not None:
        largest = target.classes[batch.answer(X, "proba").argmax(axis=1)]
        found += [] if np.array_equal(largest, batch.answer(X, "label")) else ["broken"]
    return found if changed else [*found, "unchanged"]


def _worst(defense: str) -> float:
    shown = protected(defense, scene("logistic", "digits"))
    if "proba" not in shown.answers:
        return 0.0
    X = shown.domain.sample(5000, np.random.default_rng(0))
    return float(np.abs(shown.answer(X, "proba").sum(axis=1) - 1).max())


def overhead(seeds: int) -> None:
    """CPU time of an answer over that of the bare ``predict_proba``, in one run: a batch of 1,000 rows, and one row.

    ``target`` is the defense alone, ``served`` the estimator that an operator deploys, which checks its input as well.
    """
    for model in ("logistic", "random-forest"):
        shown = scene(model, "breast-cancer")
        X, bare = shown.target.domain.sample(1000, np.random.default_rng(0)), shown.target.estimator
        for defense in DEFENSES:
            target, served = protected(defense, shown), mex.DefendedClassifier.wrap(bare, defense)
            kind: Answer = "proba" if "proba" in target.answers else "label"
            asked = served.predict_proba if kind == "proba" else served.predict
            line = f"{model:<14} {defense:<40}"
            for label, rows in (("batch", X), ("row", X[:1])):
                base = _seconds(partial(bare.predict_proba, rows))
                alone, deployed = _seconds(partial(target.answer, rows, kind)), _seconds(partial(asked, rows))
                line += f"  {label}: target {alone / base:5.2f}  served {deployed / base:5.2f}"
            print(line, flush=True)


def _seconds(call: Callable[[], Array]) -> float:
    """CPU time of the fastest of several runs."""
    times: list[float] = []
    while sum(times) < 0.15 or len(times) < 5:
        started = time.process_time()
        call()
        times.append(time.process_time() - started)
    return min(times)


def scikit_learn(seeds: int) -> None:
    """What scikit-learn's check_estimator says of the served estimators; fresh noise is bound to fail some."""
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.utils.estimator_checks import check_estimator

    served = [mex.DefendedClassifier(LogisticRegression(), defense, random_state=0) for defense in DEFENSES]
    served += [mex.DefendedClassifier(LogisticRegression(), "bounded-noise:rho=0.02,sticky=true", random_state=0)]
    served += [mex.DefendedRegressor(LinearRegression(), defense, random_state=0) for defense in VALUE_DEFENSES]
    for estimator in served:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results = check_estimator(estimator, on_fail=None, on_skip=None)
        counts = collections.Counter(result["status"] for result in results)
        failed = sorted({result["check_name"] for result in results if result["status"] == "failed"})
        print(
            f"{type(estimator.estimator).__name__:<18} {estimator.defense:<40} passed {counts['passed']}  "
            f"skipped {counts['skipped']}  failed {counts['failed']}  {', '.join(failed)}",
            flush=True,
        )


PARTS: dict[str, Callable[[int], None]] = {
    "confidence": confidence,
    "values": values,
    "conformance": conformance,
    "overhead": overhead,
    "scikit-learn": scikit_learn,
}
