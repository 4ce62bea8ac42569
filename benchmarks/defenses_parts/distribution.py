"""A model drawn for each query: what it costs honest users, what it does to attacks, and what breaks it.

Numbers are medians over seeds, in brackets the least and the greatest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import mex
from mex.app.matrix.scenarios import Scene, set_scene
from mex.target import labels
from mex.toolkit.bounds import sphere_bits

REGISTRY = mex.load_registry()
SEEDS = 5
BINARY = (
    *("adult", "australian", "bank", "blood-transfusion", "breast-cancer", "breast-cancer-ljubljana"),
    *("breast-cancer-wisconsin", "bupa", "credit-approval", "german-credit", "haberman", "heart", "ionosphere"),
    *("mammographic", "mushroom", "pima-diabetes", "spambase", "tic-tac-toe", "vote"),
)
HOMOGENEOUS = "logistic:fit_intercept=false"


def scene(model: str, dataset: str, seed: int) -> Scene:
    """A fitted model with its rows."""
    return set_scene(REGISTRY, REGISTRY.resolve("model", model), REGISTRY.resolve("dataset", dataset), seed)


def protect(spec: str, behind: Scene, seed: int) -> Any:
    """The defended target."""
    return REGISTRY.build("defense", spec).protect(behind.target, behind.train, np.random.default_rng([seed, 1]))


def steal(spec: Any, defended: Any, seed: int, budget: int) -> mex.Extraction:
    """What an attack gets within a budget."""
    oracle = mex.Oracle(defended, budget=budget)
    return mex.extract(oracle, REGISTRY.build("attack", spec).learner(oracle.knowledge(), np.random.default_rng(seed)))


def error(stolen: mex.Extraction, defended: Any) -> float:
    """||w^ - mu|| of unit normals."""
    w = stolen.hypothesis.coef_[0] if hasattr(stolen.hypothesis, "coef_") else np.zeros(len(defended.distribution.mean))
    return float(np.linalg.norm(w / (np.linalg.norm(w) or 1.0) - defended.distribution.mean))


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Median, least and greatest."""
    return f"{np.median(values):.{digits}f} [{min(values):.{digits}f}, {max(values):.{digits}f}]"


def honest(seeds: int) -> None:
    """Accuracy that honest users lose on held-out rows, in points, in expectation over draws; asked for: below 1."""
    print(
        f"{'dataset':<24} {'rows':>6} {'columns':>7}  lost, points         changed, %         nu       queries to 0.1"
    )
    below = 0
    for dataset in BINARY:
        rows = []
        for seed in range(2 * seeds):  # held-out parts are small, and this part is fast
            behind = scene("logistic", dataset, seed)
            defended, yardstick = protect("model-distribution", behind, seed), behind.yardstick
            wrong = 100 * defended.rho_at(yardstick.points["agreement"])
            right = yardstick.answers["agreement"] == yardstick.truth
            lost = float(np.mean(np.where(right, wrong, -wrong)))
            rows.append((lost, float(wrong.mean()), defended.distribution.nu, defended.distribution.queries(0.1)))
        lost_all, changed, nu, queries = zip(*rows, strict=True)
        below += bool(np.median(lost_all) < 1)
        print(
            f"{dataset:<24} {len(behind.train.X):>6} {len(defended.distribution.mean):>7}  {spread(lost_all):<20} "
            f"{spread(changed):<18} {np.median(nu):.4f}  {np.median(queries):>7.0f}",
            flush=True,
        )
    print(f"below 1 point: {below} of {len(BINARY)} datasets (medians of {2 * seeds} seeds)")


def informed(seeds: int) -> None:
    """An attacker who is told Sigma pays what the formula says, or little more."""
    for dataset in ("adult", "breast-cancer", "mushroom"):
        defended = [protect("model-distribution", scene(HOMOGENEOUS, dataset, s), s) for s in range(seeds)]
        for eps in (0.1, 0.03, 0.01):
            ratios, reached, predicted = [], [], []
            for seed, target in enumerate(defended):
                known = [float(s) for s in target.distribution.spread]
                stolen = steal({"use": "probit", "spread": known, "eps": eps}, target, seed, 3_000_000)
                predicted.append(target.distribution.queries(eps))
                ratios.append(stolen.queries / predicted[-1])
                reached.append(error(stolen, target) / eps)
            bits = sphere_bits(len(target.distribution.mean), eps)
            print(
                f"{dataset:<16} probit, told Sigma: eps {eps:<5g} predicted {np.median(predicted):>8.0f} queries"
                f" (noise-free bound {bits:.0f})  measured / predicted {spread(ratios)}  error / eps {spread(reached)}",
                flush=True,
            )


def program(seeds: int) -> None:
    """The convex program: time, size, and how far below nu a row is at most (asked: 1e-6; adult in a minute)."""
    for model, dataset, parameters in (
        ("logistic", "adult", ""),
        (HOMOGENEOUS, "adult", ""),
        (HOMOGENEOUS, "adult", ":C=1"),
        ("logistic", "adult", ":reliable=1"),
        (HOMOGENEOUS, "mushroom", ""),
        ("logistic", "spambase", ""),
        ("logistic", "breast-cancer", ""),
        ("logistic", "breast-cancer", ":drift=0.2"),
        ("logistic", "spambase", ":drift=0.2"),
    ):
        rows = []
        for seed in range(seeds):
            behind = scene(model, dataset, seed)
            wall, cpu = time.perf_counter(), time.process_time()
            defended = protect(f"model-distribution{parameters}", behind, seed)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            distribution = defended.distribution
            right = 1 - defended.rho_at(behind.train.X[distribution.reliable])
            missed = float(np.max(distribution.nu - right))
            rows.append((wall, cpu, missed, len(right)))
        walls, cpus, worst, kept = zip(*rows, strict=True)
        print(
            f"{dataset + parameters:<28} {model:<30} {len(behind.train.X):>6} rows, {int(np.median(kept)):>6} reliable,"
            f" {len(distribution.mean):>4} columns  wall {spread(walls)} s  cpu {spread(cpus)} s"
            f"  most missed by {max(worst):.1e}",
            flush=True,
        )


def ensemble(seeds: int) -> None:
    """What model-ensemble costs honest users of any model, in points of accuracy and in answers changed."""
    for model in ("logistic", "kernel-svm", "decision-tree", "random-forest"):
        for dataset in ("breast-cancer", "ionosphere", "spambase"):
            lost, changed = [], []
            for seed in range(seeds):
                behind = scene(model, dataset, seed)
                yardstick, asked = behind.yardstick, np.repeat(behind.yardstick.points["agreement"], 20, axis=0)
                answers = labels(protect("model-ensemble", behind, seed), asked)
                truth, reference = (np.repeat(y, 20) for y in (yardstick.truth, yardstick.answers["agreement"]))
                lost.append(100 * float(np.mean(reference == truth) - np.mean(answers == truth)))
                changed.append(100 * float(np.mean(answers != reference)))
            print(f"{model:<14} {dataset:<14} lost {spread(lost):<22} changed {spread(changed)}", flush=True)


PARTS: dict[str, Callable[[int], None]] = {
    "program": program,
    "honest": honest,
    "informed": informed,
    "ensemble": ensemble,
}
